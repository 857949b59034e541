"""Items from a file: .npy, .npz or .csv, ready for Project.add_items.

Files are read without pickle: they may come from anywhere.
"""

import csv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alservice.client.content import Part
from alservice.client.csv_columns import listed, similar, split_columns

VECTOR_NAMES: Final = ("X", "vectors", "embeddings")
LABEL_NAMES: Final = ("y", "labels", "label")
ID_NAMES: Final = ("ids", "id")
DEFAULT_ID_COLUMN: Final = "id"
DEFAULT_LABEL_COLUMN: Final = "label"
OBJECTS: Final = (
    "an array holds Python objects, which are not loaded from files; save vectors as float32, "
    "X.astype(np.float32), and texts as y.astype(str)"
)


@dataclass(frozen=True, slots=True, eq=False)
class ItemFile:
    """What a file holds: `vectors` of shape (n, d), the rest one entry per item or None.

    `told` says in plain words how the file was read.
    """

    vectors: NDArray[Any] | None
    ids: Sequence[Any] | NDArray[Any] | None
    labels: Sequence[Any] | NDArray[Any] | None
    contents: list[list[Part]] | None
    told: str


def read_items(
    path: str | Path,
    id_column: str | None = DEFAULT_ID_COLUMN,
    label_column: str | None = None,
    *,
    vector_columns: Sequence[str] | None = None,
    content_columns: Sequence[str] | None = None,
) -> ItemFile:
    """Reads `path` by its ending.

    .npy: the vectors, mapped and not read. .npz: `X` and perhaps `y` and `ids`. .csv with a
    header: the ids in `id_column` (None: `id`, or the row numbers); labels in `label_column`, by
    default `label` if there is one; columns of numbers are the vector, all others become content.
    `vector_columns` and `content_columns` say it where that is wrong or in doubt: with the first
    all others are content, with both the others are left out. Raises ValueError, OSError.
    """
    path = Path(path)
    readers = {".npy": _read_npy, ".npz": _read_npz}
    kind = path.suffix.lower()
    if kind == ".csv":
        return _read_csv(path, id_column, label_column, vector_columns, content_columns)
    if vector_columns or content_columns:
        raise ValueError(f"{path} is no .csv: vector_columns and content_columns name its columns")
    if kind not in readers:
        raise ValueError(f"{path} is neither .npy, .npz nor .csv")
    try:
        return readers[kind](path)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        what = OBJECTS if "Object arrays" in str(error) else error
        raise ValueError(f"{path} cannot be read: {what}") from None


def _read_npy(path: Path) -> ItemFile:
    vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    return ItemFile(
        vectors, None, None, None, f"vectors of shape {vectors.shape}; ids: row numbers"
    )


def _read_npz(path: Path) -> ItemFile:
    with np.load(path, allow_pickle=False) as arrays:
        vectors, labels, ids = (
            next((name for name in names if name in arrays.files), None)
            for names in (VECTOR_NAMES, LABEL_NAMES, ID_NAMES)
        )
        if vectors is None:
            found = ", ".join(arrays.files) or "nothing"
            raise ValueError(f"it needs an array X of vectors; it holds {found}")
        told = f"vectors from {vectors}; labels from {labels or 'none'}; ids from {ids or 'rows'}"
        return ItemFile(
            arrays[vectors],
            None if ids is None else arrays[ids],
            None if labels is None else arrays[labels],
            None,
            told,
        )


def _read_csv(
    path: Path,
    id_column: str | None,
    label_column: str | None,
    vector_columns: Sequence[str] | None,
    content_columns: Sequence[str] | None,
) -> ItemFile:
    names, rows = _table(path)
    id_name, label_name = id_column or DEFAULT_ID_COLUMN, label_column or DEFAULT_LABEL_COLUMN
    for name in (id_column, label_column):
        if name is not None and name not in names:
            raise ValueError(f"{path} has no column {name!r}{similar(name, names)}")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    ids, labels = columns.pop(id_name, None), columns.pop(label_name, None)
    try:
        split = split_columns(columns, vector_columns, content_columns)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    numbers, texts = split.numbers, split.texts
    told = (
        f"ids from {id_name if ids else 'rows'}; labels from {label_name if labels else 'none'}; "
        f"vectors from {listed(list(numbers))}; content from {listed(texts)}"
        f"{f'; left out: {listed(split.left)}' if split.left else ''}"
    )
    return ItemFile(
        np.stack(list(numbers.values()), axis=1) if numbers else None,
        ids,
        labels,
        [_parts(row) for row in zip(*(columns[t] for t in texts), strict=True)] if texts else None,
        told,
    )


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows. Raises ValueError, naming the line that is too short or too long."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            names, *rows = [row for row in csv.reader(file, strict=True) if row]
        except (ValueError, csv.Error) as error:
            what = "it is empty" if "unpack" in str(error) else str(error)
            raise ValueError(f"{path} cannot be read: {what}") from None
    if not rows:
        raise ValueError(f"{path} has a header but no rows")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise ValueError(f"{path}: row {number} has {len(row)} cells, the header {len(names)}")
    return names, rows


def _parts(row: Sequence[str]) -> list[Part]:
    return [Part(text=cell) for cell in row if cell]
