"""Item messages, to the words of the domain and back."""

from collections.abc import Sequence
from typing import Final, SupportsIndex

import numpy as np
from google.protobuf.json_format import MessageToJson, Parse, ParseError, SerializeToJsonError
from google.protobuf.struct_pb2 import Struct
from numpy.typing import NDArray

from alservice.api.v1 import item_pb2 as pb
from alservice.api.v1 import tensor_pb2
from alservice.domain.errors import DimensionMismatch, InvalidField
from alservice.domain.item import (
    EMPTY_ATTRIBUTES,
    Attributes,
    ContentPart,
    Item,
    ItemBlock,
    Role,
)
from alservice.domain.project import DType

Vectors = NDArray[np.generic]

# The number format on the wire, and what it is kept as.
FORMATS: Final = {
    tensor_pb2.DTYPE_F32: ("<f4", DType.F32),
    tensor_pb2.DTYPE_F16: ("<f2", DType.F16),
    tensor_pb2.DTYPE_BF16: ("<u2", DType.BF16),
    tensor_pb2.DTYPE_F64: ("<f8", DType.F32),
}
# By the number of pb.Role: unspecified means POOL.
ROLES: Final = np.array([Role.POOL, Role.POOL, Role.TEST, Role.GOLD], dtype=np.uint8)
PB_ROLES: Final = {
    Role.POOL: pb.ROLE_POOL,
    Role.TEST: pb.ROLE_TEST,
    Role.GOLD: pb.ROLE_GOLD,
}


def parse_columns(columns: pb.ItemColumns) -> ItemBlock:
    """The items. Raises InvalidField."""
    item_ids = tuple(columns.item_ids)
    vectors, dtype = parse_vectors(columns, len(item_ids))
    return ItemBlock(
        item_ids=item_ids,
        vectors=vectors,
        dtype=dtype,
        roles=_roles(columns.roles) if columns.roles else None,
        costs=np.array(columns.costs, dtype=np.float32) if columns.costs else None,
        attributes=_attribute_columns(columns),
        class_ids=tuple(columns.class_ids) or None,
    )


def parse_rows(rows: pb.ItemRows) -> ItemBlock:
    """The items. Raises InvalidField, DimensionMismatch."""
    items = rows.items
    vectors = [np.array(item.vector, dtype=np.float32) for item in items]
    dimension = len(vectors[0]) if vectors else 0
    for item, vector in zip(items, vectors, strict=True):
        if len(vector) != dimension:
            text = (
                f"the vector of item {item.item_id!r} has {len(vector)} numbers, that of the "
                f"first item of this chunk {dimension}"
            )
            raise DimensionMismatch(text, dimension=dimension, got=len(vector))
    return ItemBlock(
        item_ids=tuple(item.item_id for item in items),
        vectors=np.stack(vectors) if vectors else np.zeros((0, 0), dtype=np.float32),
        dtype=DType.F32,
        roles=_roles([item.role for item in items]),
        costs=parse_costs(items),
        attributes=_attributes(items),
        class_ids=tuple(item.class_id for item in items),
    )


def parse_costs(items: Sequence[pb.Item]) -> NDArray[np.float32]:
    """The cost of each item (n,); NaN where it is unset."""
    costs = [item.cost if item.HasField("cost") else np.nan for item in items]
    return np.array(costs, dtype=np.float32)


def parse_attributes(item: pb.Item) -> Attributes:
    """What the item carries beside its numbers. Raises InvalidField."""
    return Attributes(
        group=item.group,
        tags=tuple(item.tags),
        content=_content(item.content) if item.HasField("content") else (),
        metadata_json=_metadata_json(item.metadata) if item.HasField("metadata") else "",
    )


def parse_vectors(columns: pb.ItemColumns, count: int) -> tuple[Vectors, DType]:
    """Vectors (n, d) in the format of the message, F64 as F32. Raises InvalidField."""
    if not columns.HasField("vectors"):
        return np.zeros((count, 0), dtype=np.float32), DType.F32
    tensor = columns.vectors
    if tensor.dtype not in FORMATS:
        text = "vectors.dtype must say which format the bytes have: F32, F16, BF16 or F64"
        raise InvalidField(text, field="vectors.dtype")
    wire, dtype = FORMATS[tensor.dtype]
    shape, data = tuple(tensor.shape), tensor.data  # each look at `data` is a copy
    if len(shape) != 2 or min(shape) < 0:
        text = f"vectors.shape must be [items, dimension], not {list(shape)}"
        raise InvalidField(text, field="vectors.shape")
    expected = shape[0] * shape[1] * np.dtype(wire).itemsize
    if len(data) != expected:
        text = f"vectors.data has {len(data)} bytes; its shape and dtype need {expected}"
        raise InvalidField(text, field="vectors.data", expected=expected, got=len(data))
    numbers = np.frombuffer(data, dtype=wire) if data else np.zeros(0, dtype=wire)
    vectors = numbers.reshape(shape)
    if tensor.dtype == tensor_pb2.DTYPE_F64:
        with np.errstate(over="ignore"):  # what does not fit is refused later, by name
            return vectors.astype(np.float32), dtype
    return vectors, dtype


def render_item(item: Item) -> pb.Item:
    """The message."""
    attributes = item.attributes
    message = pb.Item(
        item_id=item.item_id,
        vector=() if item.vector is None else item.vector.tolist(),
        role=PB_ROLES[item.role],
        cost=item.cost,
        group=attributes.group,
        tags=attributes.tags,
        incarnation=item.incarnation,
        reserved=item.reserved,
        settled_class_id=item.settled_class_id,
    )
    if attributes.content:
        message.content.CopyFrom(render_content(attributes))
    if attributes.metadata_json:
        Parse(attributes.metadata_json, message.metadata)
    return message


def render_content(attributes: Attributes) -> pb.Content:
    """What a person sees of an item."""
    return pb.Content(parts=map(_render_part, attributes.content))


def _render_part(part: ContentPart) -> pb.ContentPart:
    message = pb.ContentPart(media_type=part.media_type)
    if part.text is not None:
        message.text = part.text
    elif part.uri is not None:
        message.uri = part.uri
    elif part.inline is not None:
        message.inline = part.inline
    return message


def _roles(roles: Sequence[SupportsIndex]) -> NDArray[np.uint8]:
    numbers = np.array(roles, dtype=np.int64)
    unknown = (numbers < 0) | (numbers >= len(ROLES))
    if unknown.any():
        number = int(numbers[int(np.argmax(unknown))])
        raise InvalidField(f"there is no role {number}", field="role", value=number)
    return ROLES[numbers]


def _attributes(items: Sequence[pb.Item]) -> tuple[Attributes, ...] | None:
    attributes = tuple(map(parse_attributes, items))
    return attributes if any(each != EMPTY_ATTRIBUTES for each in attributes) else None


def _attribute_columns(columns: pb.ItemColumns) -> tuple[Attributes, ...] | None:
    count = len(columns.item_ids)
    given = {
        "groups": columns.groups,
        "tags": columns.tags,
        "contents": columns.contents,
        "metadata": columns.metadata,
    }
    for field, column in given.items():
        if len(column) not in (0, count):
            text = f"{field} has {len(column)} entries for {count} items; send one for each"
            raise InvalidField(text, field=field)
    if not any(map(len, given.values())):
        return None
    rows = zip(
        columns.groups or [""] * count,
        columns.tags or [pb.Tags()] * count,
        columns.contents or [pb.Content()] * count,
        columns.metadata or [Struct()] * count,
        strict=True,
    )
    return tuple(
        Attributes(group, tuple(tags.tags), _content(content), _metadata_json(metadata))
        for group, tags, content, metadata in rows
    )


def _content(content: pb.Content) -> tuple[ContentPart, ...]:
    return tuple(_part(part) for part in content.parts)


def _part(part: pb.ContentPart) -> ContentPart:
    body = part.WhichOneof("body")
    return ContentPart(
        media_type=part.media_type,
        text=part.text if body == "text" else None,
        uri=part.uri if body == "uri" else None,
        inline=part.inline if body == "inline" else None,
    )


def _metadata_json(metadata: Struct) -> str:
    if not metadata.fields:
        return ""
    try:
        return MessageToJson(metadata, indent=None, ensure_ascii=False)
    except (SerializeToJsonError, ParseError, ValueError) as error:
        raise InvalidField(f"metadata is not JSON: {error}", field="metadata") from error
