"""Labelled tables from files: npz, csv and parquet."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alservice.client import read_items
from alservice.client.csv_columns import SAY
from alservice.client.item_file import OBJECTS
from alservice.simulation.dataset import Dataset

_ROWS: Final = 4096
_ARRAYS: Final = ("X", "y", "label_names", "is_test")
_LABELS: Final = ("label", "y", "class")


def read_dataset(path: Path, label_column: str | None = None) -> Dataset:
    """The rows of a file that have a label.

    .npz: `X`, `y`, and perhaps `label_names` (then `y` holds positions) and `is_test`. .csv and
    .parquet: one column of labels, and numbers. Raises ValueError, in one line that names the
    file, and OSError.
    """
    readers = {".npz": _npz, ".csv": _csv, ".parquet": _parquet, ".pq": _parquet}
    kind = path.suffix.lower()
    if kind not in readers:
        raise ValueError(f"{path} is neither .npz, .csv nor .parquet")
    try:
        return readers[kind](path, label_column)
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        text = (str(error) or "it ends too early").splitlines()[0].removeprefix(f"{path.stem}: ")
        raise ValueError(text if str(path) in text else f"{path}: {text}") from None


def _csv(path: Path, label_column: str | None) -> Dataset:
    try:
        items = read_items(path, None, label_column)
    except ValueError as error:
        # There are no options for that here.
        raise ValueError(str(error).replace(f", or {SAY}", ", or leave it out")) from None
    if items.labels is None:
        raise ValueError(f"{path} has no column 'label'; name the one of labels: --label-column")
    if items.vectors is None:
        raise ValueError(f"{path} has no columns of numbers: {items.told}")
    return _labelled(path, items.vectors, items.labels)


def _npz(path: Path, _label_column: str | None) -> Dataset:
    arrays = _arrays(path)
    missing = [name for name in ("X", "y") if name not in arrays]
    if missing:
        found = ", ".join(arrays) or "nothing"
        raise ValueError(f"{path} lacks {' and '.join(missing)}; it holds {found}")
    vectors, labels, test = arrays["X"], arrays["y"], arrays.get("is_test")
    if vectors.dtype.kind not in "fiub":
        raise ValueError(f"{path}: X must hold numbers, not {vectors.dtype}")
    for name in ("y", "is_test"):
        if name in arrays and arrays[name].shape != vectors.shape[:1]:
            shapes = f"{name} has shape {arrays[name].shape}, X {vectors.shape}"
            raise ValueError(f"{path}: {shapes}; each row of X needs one entry of {name}")
    test = None if test is None else test.astype(np.bool_)
    if "label_names" not in arrays:
        return _labelled(path, vectors, labels, test)
    if labels.dtype.kind not in "fiub":
        raise ValueError(f"{path}: y holds {labels.dtype}; beside label_names it holds positions")
    names = tuple(map(str, arrays["label_names"]))
    return Dataset(path.stem, vectors, labels.astype(np.int64), names, test)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """By name; others than the known ones are not read. Raises ValueError, OSError."""
    if not zipfile.is_zipfile(path):
        path.open("rb").close()  # may it be read at all?
        raise ValueError(f"{path} is no .npz file")
    with np.load(path, allow_pickle=False) as stored:
        try:
            return {
                name: stored[name] if name in _ARRAYS else np.empty(0) for name in stored.files
            }
        except ValueError as error:
            what = OBJECTS if "Object arrays" in str(error) else error
            raise ValueError(f"{path} cannot be read: {what}") from None


def _labelled(
    path: Path,
    vectors: NDArray[Any],
    labels: Sequence[Any] | NDArray[Any],
    is_test: NDArray[np.bool_] | None = None,
) -> Dataset:
    texts = np.array([str(label) for label in labels])
    known = texts != ""
    names, classes = np.unique(texts[known], return_inverse=True)
    test = None if is_test is None else is_test[known]
    return Dataset(path.stem, vectors[known], classes.astype(np.int64), tuple(names), test)


def _parquet(path: Path, label_column: str | None) -> Dataset:
    """Read batch by batch into one float32 table, so that little more than it is ever held."""
    try:
        from pyarrow import parquet, types  # noqa: PLC0415 (an option, and slow)
    except ImportError:
        text = f"{path}: reading parquet needs pyarrow; install it with: pip install pyarrow"
        raise ValueError(text) from None
    file = parquet.ParquetFile(path)
    schema = file.schema_arrow
    label = label_column or next((name for name in _LABELS if name in schema.names), "")
    if label not in schema.names:
        raise ValueError(f"{path} has no column {label or 'label'!r}; name it: --label-column")
    columns = [
        field.name
        for field in schema
        if field.name not in {label, "is_test"}
        and (types.is_floating(field.type) or types.is_integer(field.type))
    ]
    if not columns:
        raise ValueError(f"{path} has no columns of numbers")
    vectors = np.empty((file.metadata.num_rows, len(columns)), np.float32)
    labels: list[object] = []
    for batch in file.iter_batches(_ROWS, columns=[*columns, label]):
        rows = slice(len(labels), len(labels) + batch.num_rows)
        for number, name in enumerate(columns):
            vectors[rows, number] = batch.column(name).to_numpy(zero_copy_only=False)
        labels += ["" if value is None else value for value in batch.column(label).to_pylist()]
    return _labelled(path, vectors, labels, _test_column(file))


def _test_column(file: Any) -> NDArray[np.bool_] | None:
    if "is_test" not in file.schema_arrow.names:
        return None
    return np.asarray(file.read(columns=["is_test"]).column(0).to_numpy(), np.bool_)
