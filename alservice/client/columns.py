"""The columns of an upload, checked once and cut into messages of about a mebibyte."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from google.protobuf.struct_pb2 import Struct
from numpy.typing import ArrayLike, NDArray

from alservice.api.v1 import item_pb2
from alservice.client.content import content_message
from alservice.client.plain import text_of
from alservice.client.vectors import matrix_of, sent_bytes
from alservice.client.words import ROLES

CHUNK_BYTES: Final = 1 << 20
MAX_CHUNK_BYTES: Final = 2 << 20  # the service takes messages of 4 MiB
MAX_CHUNK_ROWS: Final = 20_000

Entries = Sequence[Any] | NDArray[Any]  # one entry per item
Column = Entries | None


def column(name: str, values: Any, count: int) -> Column:
    """A column that can be sliced, of the right length. Raises ValueError."""
    made: Column
    if values is None or isinstance(values, np.ndarray):
        made = values
    elif isinstance(values, str | bytes):
        raise ValueError(f"{name} must hold one entry per item, not be one text")
    else:
        made = np.asarray(values) if hasattr(values, "__array__") else list(values)
    if made is not None and len(made) != count:
        raise ValueError(f"{name} has {len(made):,} entries for {count:,} items")
    return made


def cut(values: Column, start: int, stop: int) -> list[Any]:
    """A part of a column as Python objects; empty if there is no such column."""
    if values is None:
        return []
    part = values[start:stop]
    return part.tolist() if isinstance(part, np.ndarray) else list(part)


def class_text(value: object) -> str:
    """A class id; None, NaN and the empty text mean that there is no label yet."""
    if value is None or value != value:  # noqa: PLR0124 (only NaN differs from itself)
        return ""
    return text_of("a label", value)


def metadata_message(value: Mapping[str, Any] | None) -> Struct:
    """One item's metadata as a message. Raises ValueError or TypeError."""
    made = Struct()
    if value:
        made.update(value)
    return made


@dataclass(frozen=True, slots=True)
class Columns:
    """The items of one upload. All columns but `vectors` may be absent; see Project.add_items."""

    count: int
    vectors: NDArray[Any] | None
    columns: Mapping[str, Column] = field(default_factory=dict)

    @staticmethod
    def of(vectors: ArrayLike | None, ids: Any, **columns: Any) -> "Columns":
        """Checks lengths and shapes. Raises ValueError."""
        matrix = None if vectors is None else matrix_of(vectors)
        if matrix is None and ids is None:
            raise ValueError("pass X, or ids for items without vectors")
        count = len(ids) if matrix is None else len(matrix)
        if isinstance(columns.get("roles"), str):
            columns["roles"] = [columns["roles"]] * count
        checked = {name: column(name, v, count) for name, v in columns.items()}
        return Columns(count, matrix, {"ids": column("ids", ids, count), **checked})

    @property
    def row_bytes(self) -> int:
        """How many bytes the vector of an item takes on the wire."""
        return 0 if self.vectors is None else sent_bytes(self.vectors)

    def messages(
        self, start: int = 0, max_rows: int = MAX_CHUNK_ROWS
    ) -> Iterator[tuple[int, item_pb2.ItemColumns]]:
        """Pairs of an offset and the items from there, without their vectors.

        With them they have at most MAX_CHUNK_BYTES each.
        """
        step = min(max_rows, max(1, CHUNK_BYTES // (self.row_bytes + 16)))
        for first in range(start, self.count, step):
            yield from self._messages(first, min(first + step, self.count))

    def _messages(self, start: int, stop: int) -> Iterator[tuple[int, item_pb2.ItemColumns]]:
        """One message, or two halves of it if long contents make it too large."""
        message = self._message(start, stop)
        size = message.ByteSize() + (stop - start) * self.row_bytes
        if stop - start == 1 or size <= MAX_CHUNK_BYTES:
            yield start, message
            return
        middle = (start + stop) // 2
        yield from self._messages(start, middle)
        yield from self._messages(middle, stop)

    def _message(self, start: int, stop: int) -> item_pb2.ItemColumns:
        def each(name: str, make: Callable[[Any], Any]) -> list[Any]:
            return [make(value) for value in cut(self.columns.get(name), start, stop)]

        ids = self.columns["ids"]
        return item_pb2.ItemColumns(
            item_ids=[str(row) for row in range(start, stop)]
            if ids is None
            else each("ids", lambda value: text_of("an id", value)),
            roles=each("roles", ROLES.number),
            costs=each("costs", lambda value: float("nan") if value is None else float(value)),
            groups=each("groups", lambda value: text_of("a group", value)),
            tags=each("tags", lambda value: item_pb2.Tags(tags=value)),
            contents=each("contents", content_message),
            metadata=each("metadata", metadata_message),
            class_ids=each("labels", class_text),
        )
