"""How many rows each record batch of an Arrow IPC file has, without reading any of them.

pyarrow tells that only of a batch that it has read. But a file ends in a footer that says where
the batches lie, and each of them begins with a short message that says how many rows follow: both
are tables of FlatBuffers, of which this reads the few fields that it needs.

The format: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format and the tables in
https://github.com/apache/arrow/tree/main/format; FlatBuffers:
https://flatbuffers.dev/internals/
"""

import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

from alservice.domain.errors import SourceInvalid
from alservice.storage.imports.raw import RawFile

_TAIL: Final = struct.Struct("<i6s")
_MAGIC: Final = b"ARROW1"
_BLOCK: Final = struct.Struct("<qi4xq")  # where a batch begins, bytes of its message, of the rest
_MOST_FOOTER_BYTES: Final = 16 << 20
_MOST_MESSAGE_BYTES: Final = 1 << 20
_MOST_BATCHES: Final = 100_000
_MOST_ROWS: Final = 1 << 40
_ASKED_AT_ONCE: Final = 16
# The numbers of fields in their tables.
_FOOTER_BATCHES: Final = 3
_MESSAGE_KIND, _MESSAGE_HEADER = 1, 2
_BATCH_LENGTH: Final = 0
_IS_BATCH: Final = 3
_CONTINUES: Final = 0xFFFFFFFF  # what a message begins with, but for those of old writers


def batch_rows(raw: RawFile) -> Sequence[int]:
    """The number of rows of each record batch, in order. Raises SourceInvalid."""
    try:
        rows = [_rows(message) for message in _messages(raw, _blocks(_footer(raw)))]
    except (struct.error, IndexError):
        raise SourceInvalid("its footer or a record batch of it is damaged") from None
    if not all(0 <= count <= _MOST_ROWS for count in rows):
        raise SourceInvalid("a record batch of it says a number of rows that cannot be")
    return rows


def _footer(raw: RawFile) -> bytes:
    start = raw.size_bytes - _TAIL.size
    if start < 0:
        raise SourceInvalid("it is no Arrow file: it is too short")
    size, magic = _TAIL.unpack(raw.begin(start, _TAIL.size)())
    if magic != _MAGIC or not 0 < size <= min(start, _MOST_FOOTER_BYTES):
        raise SourceInvalid("it is no Arrow file, or it was cut off: it does not end in a footer")
    return raw.begin(start - size, size)()


def _blocks(footer: bytes) -> Sequence[tuple[int, int, int]]:
    (root,) = struct.unpack_from("<I", footer)
    at = _field(footer, root, _FOOTER_BATCHES)
    if at is None:
        return ()
    vector = _follow(footer, at)
    (count,) = struct.unpack_from("<I", footer, vector)
    if count > _MOST_BATCHES:
        text = f"it has {count} record batches; the most is {_MOST_BATCHES}: write larger ones"
        raise SourceInvalid(text, limit=_MOST_BATCHES, got=count)
    first = vector + 4
    return [_BLOCK.unpack_from(footer, first + _BLOCK.size * number) for number in range(count)]


def _messages(raw: RawFile, blocks: Sequence[tuple[int, int, int]]) -> Iterator[bytes]:
    """What stands before each batch; some are asked for in advance where a file is far away."""
    asked = (_ask(raw, start, size) for start, size, _ in blocks)
    coming = deque(islice(asked, _ASKED_AT_ONCE if raw.is_far else 1))
    while coming:
        yield coming.popleft()()
        coming.extend(islice(asked, 1))


def _ask(raw: RawFile, start: int, size: int) -> Callable[[], bytes]:
    if not (0 <= start <= raw.size_bytes - size and 0 < size <= _MOST_MESSAGE_BYTES):
        raise SourceInvalid("its footer names a record batch that is not there")
    return raw.begin(start, size)


def _rows(message: bytes) -> int:
    (mark,) = struct.unpack_from("<I", message)
    start = 8 if mark == _CONTINUES else 4
    (root,) = struct.unpack_from("<I", message, start)
    root += start
    kind, header = _field(message, root, _MESSAGE_KIND), _field(message, root, _MESSAGE_HEADER)
    if kind is None or header is None or message[kind] != _IS_BATCH:
        raise SourceInvalid("its footer names a record batch where there is none")
    at = _field(message, _follow(message, header), _BATCH_LENGTH)
    length: int = struct.unpack_from("<q", message, at)[0] if at is not None else 0
    return length


def _field(data: bytes, table: int, number: int) -> int | None:
    """Where a field of a table lies; None if it was left out."""
    (back,) = struct.unpack_from("<i", data, table)
    (size,) = struct.unpack_from("<H", data, table - back)
    at = 4 + 2 * number
    if at + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", data, table - back + at)
    return table + offset if offset else None


def _follow(data: bytes, at: int) -> int:
    """Where a field leads to."""
    (offset,) = struct.unpack_from("<I", data, at)
    return at + int(offset)
