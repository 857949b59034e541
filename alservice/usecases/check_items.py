"""Items as they come in: everything that can be wrong with them is said here, naming the item."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.domain.errors import (
    ClassUnknown,
    DimensionMismatch,
    InvalidField,
    LimitExceeded,
    NonFiniteVector,
    did_you_mean,
)
from alservice.domain.item import Attributes, ContentPart, ItemBlock, Role
from alservice.domain.names import MAX_ITEM_ID_BYTES, check_item_id
from alservice.domain.project import DType, LabelSchema, VectorSpace
from alservice.domain.texts import byte_lengths

MAX_DIMENSION: Final = 65_536
MAX_METADATA_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = 64 * 1024
MAX_URI_BYTES: Final = 8192
MAX_MEDIA_TYPE_BYTES: Final = 255
MAX_PARTS: Final = 64
MAX_TAGS: Final = 256
_SPACE: Final = 0x20  # the first character of ASCII that can be printed
_DELETE: Final = 0x7F  # the one after the last


@dataclass(frozen=True, slots=True)
class Shape:
    """What the vectors of one upload are stored as."""

    dimension: int
    dtype: DType


def check_items(block: ItemBlock, shape: Shape, schema: LabelSchema) -> ItemBlock:
    """The block with its vectors in the number format of `shape`.

    Raises InvalidItemId, InvalidField, DimensionMismatch, NonFiniteVector, ClassUnknown,
    LimitExceeded.
    """
    check_item_ids(block.item_ids)
    _check_lengths(block)
    _check_roles(block)
    check_costs(block.item_ids, block.costs)
    _check_classes(block, schema)
    for item_id, attributes in zip(block.item_ids, block.attributes or (), strict=False):
        check_attributes(item_id, attributes)
    return _stored(block, shape)


def shape_of(block: ItemBlock, space: VectorSpace) -> Shape:
    """The space's shape; what it leaves open, `block` decides.

    Raises DimensionMismatch, LimitExceeded.
    """
    dimension = block.vectors.shape[1] if space.dimension is None else space.dimension
    if space.dimension is None and dimension == 0:
        text = (
            "the first upload decides the dimension of the project's vectors, and this one has "
            "none; send vectors, or create the project with dimension 0"
        )
        raise DimensionMismatch(text, dimension="unset", got=0)
    if dimension > MAX_DIMENSION:
        text = f"vectors have {dimension} numbers; the most is {MAX_DIMENSION}"
        raise LimitExceeded(text, limit=MAX_DIMENSION, got=dimension)
    return Shape(dimension, space.dtype or block.dtype)


def check_item_ids(item_ids: Sequence[str]) -> None:
    """Nothing, if all are well formed. Raises InvalidItemId."""
    if not _all_plain(item_ids):
        for item_id in item_ids:
            check_item_id(item_id)


def _all_plain(item_ids: Sequence[str]) -> bool:
    """Whether all are of printable ASCII and of a length that is allowed: nearly always."""
    if not item_ids:
        return True
    data, sizes = byte_lengths(item_ids)
    if sizes.min() < 1 or sizes.max() > MAX_ITEM_ID_BYTES or data.max() >= _DELETE:
        return False
    return int(np.count_nonzero(data < _SPACE)) == len(item_ids) - 1  # what separates them


def check_costs(item_ids: Sequence[str], costs: NDArray[np.float32] | None) -> None:
    """Nothing, if each is greater than 0 or NaN. Raises InvalidField."""
    if costs is None:
        return
    wrong = np.flatnonzero((costs <= 0) | np.isinf(costs))
    if len(wrong):
        item_id, cost = item_ids[wrong[0]], float(costs[wrong[0]])
        text = f"item {item_id!r} has cost {cost}; a cost is a number greater than 0, or unset"
        raise InvalidField(text, field="cost", item_id=item_id)


def check_attributes(item_id: str, attributes: Attributes) -> None:
    """Nothing, if they keep to the limits. Raises InvalidField."""
    if len(attributes.metadata_json) > MAX_METADATA_BYTES // 4:
        _limit(item_id, "metadata", len(attributes.metadata_json.encode()), MAX_METADATA_BYTES)
    _limit(item_id, "tags", len(attributes.tags), MAX_TAGS)
    _limit(item_id, "content.parts", len(attributes.content), MAX_PARTS)
    for part in attributes.content:
        _check_part(item_id, part)


def _check_part(item_id: str, part: ContentPart) -> None:
    if sum(body is not None for body in (part.text, part.uri, part.inline)) != 1:
        text = f"a content part of item {item_id!r} needs exactly one of text, uri and inline"
        raise InvalidField(text, field="content.parts", item_id=item_id)
    _limit(item_id, "content.text", len((part.text or "").encode()), MAX_BODY_BYTES)
    _limit(item_id, "content.uri", len((part.uri or "").encode()), MAX_URI_BYTES)
    _limit(item_id, "content.inline", len(part.inline or b""), MAX_BODY_BYTES)
    _limit(item_id, "content.media_type", len(part.media_type.encode()), MAX_MEDIA_TYPE_BYTES)


def _limit(item_id: str, field: str, got: int, limit: int) -> None:
    if got > limit:
        text = f"{field} of item {item_id!r} has {got} bytes or entries; the most is {limit}"
        raise InvalidField(text, field=field, item_id=item_id, limit=limit, got=got)


def _check_lengths(block: ItemBlock) -> None:
    columns = {
        "vectors": block.vectors,
        "roles": block.roles,
        "costs": block.costs,
        "attributes": block.attributes,
        "class_ids": block.class_ids,
    }
    for field, column in columns.items():
        if column is not None and len(column) != len(block):
            text = f"{field} has {len(column)} entries for {len(block)} items; send one for each"
            raise InvalidField(text, field=field)


def _check_roles(block: ItemBlock) -> None:
    if block.roles is not None and int(block.roles.max(initial=0)) > max(Role):
        row = int(np.argmax(block.roles > max(Role)))
        item_id = block.item_ids[row]
        raise InvalidField(f"item {item_id!r} has an unknown role", field="role", item_id=item_id)


def _check_classes(block: ItemBlock, schema: LabelSchema) -> None:
    known = schema.index
    for class_id in sorted(set(block.class_ids or ()) - {""} - set(known)):
        text = f"the project has no class {class_id!r}; AddClasses adds classes"
        raise ClassUnknown(text, class_id=class_id, **did_you_mean(class_id, known))


def _stored(block: ItemBlock, shape: Shape) -> ItemBlock:
    got = block.vectors.shape[1]
    if got != shape.dimension:
        text = (
            f"vectors of this project have {shape.dimension} numbers, those of item "
            f"{block.item_ids[0]!r} and those after it have {got}"
        )
        raise DimensionMismatch(text, dimension=shape.dimension, got=got)
    vectors = np.ascontiguousarray(converted(block.vectors, block.dtype, shape.dtype))
    row = core.first_nonfinite(vectors) if got else -1
    if row >= 0:
        item_id = block.item_ids[row]
        text = (
            f"the vector of item {item_id!r} holds NaN, an infinity, or a number too large for "
            f"{shape.dtype}"
        )
        raise NonFiniteVector(text, item_id=item_id)
    return replace(block, vectors=vectors, dtype=shape.dtype)


def converted(vectors: NDArray[np.generic], source: DType, target: DType) -> NDArray[np.generic]:
    """The same numbers in another format; those that do not fit become infinities."""
    if source is target:
        return vectors
    numbers = as_float32(vectors, source)
    if target is DType.F32:
        return numbers
    if target is DType.BF16:
        return core.bf16_from_f32(numbers)
    with np.errstate(over="ignore"):
        return numbers.astype(np.float16)


def as_float32(vectors: NDArray[np.generic], dtype: DType) -> NDArray[np.float32]:
    """The numbers (n, d) as float32."""
    if dtype is DType.BF16:
        return core.f32_from_bf16(np.ascontiguousarray(vectors, dtype=np.uint16))
    return np.asarray(vectors, dtype=np.float32)
