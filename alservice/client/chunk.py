"""A message of an upload as bytes, into which the vectors are copied once.

Protobuf copies a message into each one that holds it, and once more when it is serialised: for a
chunk of a mebibyte six times, 3 ms. The few bytes round the vectors come from it here as well.
Encoding: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Sequence
from typing import Any, Final

from numpy.typing import NDArray

from alservice.api.v1 import item_pb2, pool_service_pb2, tensor_pb2
from alservice.client.vectors import tensor_of

Pieces = Sequence[bytes | memoryview]
LENGTH_DELIMITED: Final = 2


def chunk_request(
    offset: int, columns: item_pb2.ItemColumns, vectors: NDArray[Any] | None
) -> bytes:
    """The AddItemsRequest of a chunk: `columns`, which has no vectors yet, and these (n, d)."""
    inner: Pieces = [columns.SerializeToString()]
    if vectors is not None:
        inner = [*inner, *_field(item_pb2.ItemColumns.VECTORS_FIELD_NUMBER, _tensor(vectors))]
    chunk = pool_service_pb2.ItemChunk(offset=offset).SerializeToString()
    items = _field(pool_service_pb2.ItemChunk.COLUMNS_FIELD_NUMBER, inner)
    number = pool_service_pb2.AddItemsRequest.CHUNK_FIELD_NUMBER
    return b"".join(_field(number, [chunk, *items]))


def _tensor(vectors: NDArray[Any]) -> Pieces:
    message, data = tensor_of(vectors)
    return [*_field(tensor_pb2.Tensor.DATA_FIELD_NUMBER, [data]), message.SerializeToString()]


def _field(number: int, content: Pieces) -> Pieces:
    """A field that holds bytes or a message."""
    size = sum(map(len, content))
    return [_varint(number << 3 | LENGTH_DELIMITED) + _varint(size), *content]


def _varint(value: int) -> bytes:
    """Seven bits to a byte, the lowest first; all but the last byte have their highest bit set."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
