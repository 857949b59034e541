"""Labelled tables from files: npz, csv and parquet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alservice.client import read_items
from alservice.simulation.dataset import Dataset

_ROWS: Final = 4096
_LABELS: Final = ("label", "y", "class")


def read_dataset(path: Path, label_column: str | None = None) -> Dataset:
    """The rows of a file that have a label.

    .npz: `X`, `y`, and perhaps `label_names` (then `y` holds positions) and `is_test`. .csv and
    .parquet: one column of labels, and numbers. Raises ValueError, OSError.
    """
    kind = path.suffix.lower()
    if kind == ".npz":
        return _npz(path)
    if kind == ".csv":
        items = read_items(path, None, label_column)
        if items.vectors is None or items.labels is None:
            raise ValueError(f"{path} needs columns of numbers and one of labels: {items.told}")
        return _labelled(path, items.vectors, items.labels)
    if kind in {".parquet", ".pq"}:
        return _parquet(path, label_column)
    raise ValueError(f"{path} is neither .npz, .csv nor .parquet")


def _npz(path: Path) -> Dataset:
    with np.load(path, allow_pickle=False) as arrays:
        missing = [name for name in ("X", "y") if name not in arrays.files]
        if missing:
            found = ", ".join(arrays.files) or "nothing"
            raise ValueError(f"{path} lacks {' and '.join(missing)}; it holds {found}")
        test = arrays["is_test"].astype(np.bool_) if "is_test" in arrays.files else None
        if "label_names" not in arrays.files:
            return _labelled(path, arrays["X"], arrays["y"], test)
        names = tuple(map(str, arrays["label_names"]))
        return Dataset(path.stem, arrays["X"], arrays["y"].astype(np.int64), names, test)


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
