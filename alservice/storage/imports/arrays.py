"""A source whose columns are arrays that lie one after the other: npy, npz, safetensors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.domain.errors import SourceInvalid
from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.domain.source import SourceColumns
from alservice.ports.sources import Tick, silent
from alservice.storage.imports.assemble import Rows, assemble, readable, rows_at_once
from alservice.storage.imports.choose import choose
from alservice.storage.imports.raw import RawFile

MOST_ROW_BYTES: Final = 1 << 20
_KINDS: Final = {
    "vector": "iufb",
    "class_id": "USiuf",
    "cost": "iuf",
}  # all others: texts and whole numbers


class Stream(Protocol):
    """Bytes, one after the other."""

    def read(self, size: int, /) -> bytes | None:
        """Up to so many of them."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An array of a file: (n, ...) in rows; `begin(row, tick)` is where that row begins.

    It calls `tick` now and then where it must read what is before. `bf16`: the numbers are
    bfloat16, of which `dtype` is the bits.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: Callable[[int, Tick], Stream]
    bf16: bool = False

    @property
    def row_bytes(self) -> int:
        """The size of a row."""
        numbers = 1
        for length in self.shape[1:]:
            numbers *= length
        return numbers * self.dtype.itemsize

    def read(self, stream: Stream, count: int) -> NDArray[Any]:
        """The next `count` rows. Raises SourceInvalid if there are fewer."""
        wanted = count * self.row_bytes
        data = read_exactly(stream, wanted)
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])


def read_exactly(stream: Stream, count: int) -> bytes:
    """So many bytes, which a stream may give in parts. Raises SourceInvalid."""
    parts, left = [], count
    while left:
        part = stream.read(left)
        if not part:
            raise SourceInvalid("it ends too early: it is being written, or was cut off")
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class ArraySource:
    """An `ItemSource` over arrays, of which those that are asked for have as many rows each."""

    def __init__(
        self, raw: RawFile, uri: str, there: Mapping[str, Stored], asked: SourceColumns
    ) -> None:
        """Check what can be seen from outside. Raises SourceInvalid, InvalidField."""
        self._raw, self._uri, self._id_prefix = raw, uri, asked.id_prefix
        self.names: Sequence[str] = tuple(there)
        self.size_bytes, self.version = raw.size_bytes, raw.version
        chosen = choose(self.names, asked)
        self._arrays = {field: there[names[0]] for field, names in chosen.items()}
        for field, names in chosen.items():
            with readable(uri):
                _check(field, names, self._arrays[field])
        self.count = self._common_length()
        vectors = self._arrays.get("vector")
        self.dimension = vectors.shape[1] if vectors else 0

    def blocks(self, start: int = 0, tick: Tick = silent) -> Iterator[ItemBlock]:
        """As `ItemSource.blocks` promises."""
        step = rows_at_once(sum(array.row_bytes for array in self._arrays.values()))
        with readable(self._uri):
            streams = {field: array.begin(start, tick) for field, array in self._arrays.items()}
            for first in range(start, self.count, step):
                count = min(step, self.count - first)
                parts = {
                    field: array.read(streams[field], count)
                    for field, array in self._arrays.items()
                }
                yield assemble(self._rows(first, count, parts), self._id_prefix)

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()

    def _rows(self, first: int, count: int, parts: dict[str, NDArray[Any]]) -> Rows:
        stored, vectors = self._arrays.get("vector"), parts.pop("vector", None)
        columns = {field: part.tolist() for field, part in parts.items()}
        if stored is None or vectors is None:
            return Rows(first, np.zeros((count, 0), np.float32), DType.F32, columns)
        if stored.bf16:
            return Rows(first, vectors, DType.BF16, columns)
        numbers, dtype = as_vectors(vectors)
        return Rows(first, numbers, dtype, columns)

    def _common_length(self) -> int:
        lengths = {field: array.shape[0] for field, array in self._arrays.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{field} has {length}" for field, length in lengths.items())
            text = f"{self._uri}: its columns must have a row for each item, but {told}"
            raise SourceInvalid(text, uri=self._uri)
        count = next(iter(lengths.values()), 0)
        if not count:
            text = f"{self._uri} holds no items (it holds {', '.join(self.names) or 'nothing'})"
            raise SourceInvalid(text, uri=self._uri)
        return count


def as_vectors(numbers: NDArray[Any]) -> tuple[NDArray[Any], DType]:
    """The numbers (n, d) in a format that is stored: float16 as it is, all else as float32."""
    if numbers.dtype.kind == "f" and numbers.dtype.itemsize == 2:
        return numbers.astype(np.float16, copy=False), DType.F16
    with np.errstate(over="ignore"):  # what does not fit is refused later, by name
        return numbers.astype(np.float32, copy=False), DType.F32


def _check(field: str, names: Sequence[str], array: Stored) -> None:
    if len(names) > 1:
        raise SourceInvalid("vectors are one array of the shape (items, dimension)", field=field)
    _check_shape(field, names[0], array.shape)
    numbers = field in {"vector", "cost"}
    if array.dtype.kind not in _KINDS.get(field, "USiu"):
        what = "numbers" if numbers else "texts or whole numbers"
        text = f"{names[0]} holds {array.dtype}; {field} must be {what}"
        raise SourceInvalid(text, field=field, dtype=array.dtype)
    if array.row_bytes > MOST_ROW_BYTES:
        text = f"a row of {names[0]} has {array.row_bytes} bytes; the most is {MOST_ROW_BYTES}"
        raise SourceInvalid(text, limit=MOST_ROW_BYTES, got=array.row_bytes)


def _check_shape(field: str, name: str, shape: tuple[int, ...]) -> None:
    vector = field == "vector"
    if len(shape) != 1 + vector or 0 in shape[1:]:
        wanted = "(items, dimension)" if vector else "(items,)"
        raise SourceInvalid(f"{name} has the shape {shape}; it must be {wanted}", field=field)
