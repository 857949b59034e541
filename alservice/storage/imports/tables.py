"""A source whose rows come in record batches: parquet and Arrow."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.errors import DimensionMismatch, ImportUnavailable, SourceInvalid
from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.domain.source import SourceColumns
from alservice.ports.sources import Tick, silent
from alservice.storage.imports.arrays import as_vectors
from alservice.storage.imports.assemble import BLOCK_BYTES, Rows, assemble, readable, rows_at_once
from alservice.storage.imports.choose import choose
from alservice.storage.imports.raw import RawFile

# Record batches with these columns from a row on, each of at most so many rows; an empty one for
# each that is read in vain because it is before that row.
Batches = Callable[[Sequence[str], int, int], Iterator[Any]]
_TEXT_BYTES: Final = 64  # about what a value takes that is no number


def arrow() -> Any:
    """The package pyarrow. Raises ImportUnavailable where it is not installed."""
    try:
        import pyarrow as pa  # noqa: PLC0415 (an option, and slow)
    except ImportError:
        text = (
            "the server reads this format with pyarrow, which is not installed there; install it "
            "with: pip install 'alservice[arrow]', or save the items as .npz"
        )
        raise ImportUnavailable(text, package="pyarrow") from None
    return pa


class TableSource:
    """An `ItemSource` over record batches."""

    def __init__(
        self,
        raw: RawFile,
        uri: str,
        schema: Any,
        count: int,
        batches: Batches,
        asked: SourceColumns,
    ) -> None:
        """Check what can be seen from outside. Raises SourceInvalid, InvalidField."""
        self._raw, self._uri, self._id_prefix = raw, uri, asked.id_prefix
        self._batches = batches
        self.names: Sequence[str] = tuple(schema.names)
        self.size_bytes, self.version, self.count = raw.size_bytes, raw.version, count
        self._chosen = choose(self.names, asked)
        self._vector = self._chosen.pop("vector", ())
        with readable(uri):
            _check(schema, self._chosen, self._vector)
            if not count:
                raise SourceInvalid("it holds no items")
            self.dimension = self._measure(schema)

    def blocks(self, start: int = 0, tick: Tick = silent) -> Iterator[ItemBlock]:
        """As `ItemSource.blocks` promises."""
        names = [*self._vector, *(name for (name,) in self._chosen.values())]
        step = rows_at_once(4 * self.dimension + _TEXT_BYTES * len(self._chosen))
        first = start
        with readable(self._uri):
            for batch in self._batches(tuple(dict.fromkeys(names)), start, step):
                tick()
                for part in self._parts(batch, step):
                    yield assemble(self._rows(part, first), self._id_prefix)
                    first += part.num_rows
            if first != self.count:
                raise SourceInvalid(f"it ends at row {first} of {self.count}")

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()

    def _parts(self, batch: Any, step: int) -> Iterator[Any]:
        """The batch in parts of at most so many rows and, by their texts too, about a mebibyte."""
        sizes = np.full(batch.num_rows, 4 * self.dimension)
        for (name,) in self._chosen.values():
            sizes += text_bytes(batch.column(name))
        ends, start = np.cumsum(sizes), 0
        while start < batch.num_rows:
            before = ends[start - 1] if start else 0
            fitting = int(np.searchsorted(ends, before + BLOCK_BYTES, side="right"))
            stop = min(max(fitting, start + 1), start + step)
            yield batch.slice(start, stop - start)
            start = min(stop, batch.num_rows)

    def _measure(self, schema: Any) -> int:
        """The dimension: that of the first row, where the columns do not say it."""
        if len(self._vector) != 1 or not _is_list(kind := schema.field(self._vector[0]).type):
            return len(self._vector)
        if arrow().types.is_fixed_size_list(kind):
            return int(kind.list_size)
        first = next(self._batches(self._vector, 0, 1)).column(self._vector[0])[0].as_py()
        return len(first or ())

    def _rows(self, batch: Any, first: int) -> Rows:
        columns = {f: _values(batch.column(name)) for f, (name,) in self._chosen.items()}
        if any(value in (None, "") for value in columns.get("item_id", ())):
            row = first + [value in (None, "") for value in columns["item_id"]].index(True)
            raise SourceInvalid(f"row {row} has no id", field="item_id", row=row)
        if not self._vector:
            empty = np.zeros((batch.num_rows, 0), np.float32)
            return Rows(first, empty, DType.F32, columns)
        parts = [batch.column(name) for name in self._vector]
        if _is_list(parts[0].type):
            numbers = _unfolded(parts[0], self.dimension, first)
        else:
            numbers = np.stack([part.to_numpy(zero_copy_only=False) for part in parts], axis=1)
        return Rows(first, *as_vectors(numbers), columns)


def text_bytes(column: Any) -> NDArray[np.int64]:
    """The size of each text of a column (n,), unfolded; 0 for what is no text."""
    if not _is_text(column.type):
        return np.zeros(len(column), np.int64)
    if arrow().types.is_dictionary(column.type):
        once = text_bytes(column.dictionary)
        places = column.indices.fill_null(0).to_numpy(zero_copy_only=False)
        return once[places] if len(once) else np.zeros(len(column), np.int64)
    from pyarrow import compute  # noqa: PLC0415 (an option, and slow)

    if arrow().types.is_string_view(column.type):
        column = column.cast(arrow().large_string())
    sizes = compute.binary_length(column).fill_null(0)
    return np.asarray(sizes.to_numpy(zero_copy_only=False), np.int64)


def _values(column: Any) -> list[Any]:
    # A dictionary is unfolded first: value by value pyarrow takes twenty times as long.
    folded = arrow().types.is_dictionary(column.type)
    return list((column.dictionary_decode() if folded else column).to_pylist())


def _unfolded(lists: Any, dimension: int, first: int) -> NDArray[Any]:
    """Lists of numbers as an array (n, dimension). Raises SourceInvalid, DimensionMismatch."""
    lengths = np.array([-1 if one is None else one for one in _lengths(lists, dimension)])
    wrong = np.flatnonzero(lengths != dimension)
    if len(wrong):
        row, got = first + int(wrong[0]), int(lengths[wrong[0]])
        if got < 0:
            raise SourceInvalid(f"row {row} has no vector", field="vector", row=row)
        text = f"the vector of row {row} has {got} numbers, that of row 0 {dimension}"
        raise DimensionMismatch(text, dimension=dimension, got=got)
    flat = lists.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat).reshape(len(lists), dimension)


def _lengths(lists: Any, dimension: int) -> list[int | None]:
    if arrow().types.is_fixed_size_list(lists.type):
        return [dimension if valid else None for valid in lists.is_valid().to_pylist()]
    lengths: list[int | None] = lists.value_lengths().to_pylist()
    return lengths


def _is_list(kind: Any) -> bool:
    types = arrow().types
    return bool(types.is_fixed_size_list(kind) or types.is_list(kind) or types.is_large_list(kind))


def _check(schema: Any, chosen: dict[str, tuple[str, ...]], vector: Sequence[str]) -> None:
    for field, (name,) in chosen.items():
        kind = schema.field(name).type
        if not (
            _is_number(kind, whole=field not in {"class_id", "cost"})
            or (field != "cost" and _is_text(kind))
        ):
            what = "numbers" if field == "cost" else "texts or whole numbers"
            text = f"the column {name!r} holds {kind}; {field} must be {what}"
            raise SourceInvalid(text, field=field, dtype=kind)
    for name in vector:
        kind = schema.field(name).type
        numbers = kind.value_type if len(vector) == 1 and _is_list(kind) else kind
        if not _is_number(numbers):
            text = f"the column {name!r} holds {kind}; vectors are numbers, or lists of them"
            raise SourceInvalid(text, field="vector", dtype=kind)


def _is_number(kind: Any, *, whole: bool = False) -> bool:
    types = arrow().types
    return bool(types.is_integer(kind) or (not whole and types.is_floating(kind)))


def _is_text(kind: Any) -> bool:
    types = arrow().types
    inner = kind.value_type if types.is_dictionary(kind) else kind
    return bool(
        types.is_string(inner)
        or types.is_large_string(inner)
        or types.is_string_view(inner)
        or (types.is_dictionary(kind) and types.is_integer(inner))
    )
