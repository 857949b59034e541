"""Which columns of a .csv are the vector and which are what annotators see.

Nobody is asked where the cells leave no doubt; a column of numbers with gaps is refused, because
taking it for content would silently train on fewer features.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAY = "name it in vector_columns or in content_columns"
Cells = Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class CsvColumns:
    """`numbers` are the vector, in order; `texts` the names of content; `left` is neither."""

    numbers: Mapping[str, NDArray[np.float32]]
    texts: list[str]
    left: list[str]


def split_columns(
    columns: Mapping[str, Cells],
    vector_columns: Sequence[str] | None,
    content_columns: Sequence[str] | None,
) -> CsvColumns:
    """Sorts `columns` by what is said of them, and the others by their cells.

    With `vector_columns` all others are content, with both the others are left out. Raises
    ValueError, naming the column, the first row (from 1) that does not fit and its value.
    """
    _check(columns, vector_columns, content_columns)
    content = set(content_columns or ())
    if vector_columns is None:
        found = {n: _guessed(n, cells) for n, cells in columns.items() if n not in content}
        numbers = {name: array for name, array in found.items() if array is not None}
        return CsvColumns(numbers, [name for name in columns if name not in numbers], [])
    numbers = {name: _numbers(name, columns[name]) for name in vector_columns}
    others = [name for name in columns if name not in numbers]
    if content_columns is None:
        return CsvColumns(numbers, others, [])
    return CsvColumns(
        numbers, list(content_columns), [name for name in others if name not in content]
    )


def similar(name: str, names: Sequence[str]) -> str:
    """A remark on a name that there is not: a close one, or all that there are."""
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {listed(names)}"


def listed(names: Sequence[str]) -> str:
    """Names for people: all of a few, the ends of many."""
    if not names:
        return "none"
    if len(names) <= 4:
        return ", ".join(names)
    return f"{names[0]} to {names[-1]} ({len(names)} columns)"


def _check(columns: Mapping[str, Cells], *wanted: Sequence[str] | None) -> None:
    """Every name is a column that is neither ids nor labels, and named once."""
    names = [name for some in wanted for name in some or ()]
    for name in names:
        if name not in columns:
            told = similar(name, list(columns))
            raise ValueError(f"no column {name!r} for vectors or content{told}")
        if names.count(name) > 1:
            raise ValueError(f"column {name!r} is named more than once")


def _guessed(name: str, cells: Cells) -> NDArray[np.float32] | None:
    """The column as numbers, None if it is text. Raises ValueError if it may be either."""
    try:
        return np.array(cells, dtype=np.float32)
    except ValueError:
        pass
    filled = [cell for cell in cells if cell.strip()]
    count = sum(map(_is_number, filled))
    if count and (count == len(filled) or 2 * count > len(cells)):
        raise ValueError(f"{_misfit(name, cells)}, {count:,} others are numbers: fix it, or {SAY}")
    return None


def _numbers(name: str, cells: Cells) -> NDArray[np.float32]:
    try:
        return np.array(cells, dtype=np.float32)
    except ValueError:
        raise ValueError(f"{_misfit(name, cells)}, not a number") from None


def _misfit(name: str, cells: Cells) -> str:
    """The first cell that is no number."""
    found = ((row, cell) for row, cell in enumerate(cells, start=1) if not _is_number(cell))
    row, cell = next(found, (1, cells[0]))
    shown = repr(cell) if cell.strip() else "empty"
    return f"column {name!r} is {shown} in row {row}"


def _is_number(cell: str) -> bool:
    try:
        np.float32(cell)
    except ValueError:
        return False
    return True
