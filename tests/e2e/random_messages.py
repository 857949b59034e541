"""Random protobuf messages of any type, from its descriptor: nonsense, and almost right."""

import math
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

DEPTH: Final = 5
PLAUSIBLE: Final = (
    "",
    "fuzz",
    "projects/fuzz",
    "projects/fuzz/batches/b-1",
    "projects/fuzz/models/m-1",
    "projects/fuzz/operations/o-1",
    "projects/-",
    "projects/fuzz/items/i-1",
    "i-1",
    "i-2",
    "cat",
    "margin",
    "random",
    "k_center",
    "logistic",
    "cost",
    "policy.strategy",
    "display_name",
    "same",
    "\x00",
    "../../etc/passwd",
    "' OR 1=1 --",
    "x" * 600,
    "é" * 70,
)

# Whole messages that are right, by type.
USEFUL: Final[dict[str, list[dict[str, Any]]]] = {
    "ItemColumns": [
        {
            "item_ids": ["i-1", "new"],
            "vectors": {"data": "A" * 22 + "==", "dtype": "DTYPE_F32", "shape": [2, 2]},
        },
        {
            "item_ids": ["i-3"],
            "vectors": {"data": "A" * 6 + "==", "dtype": "DTYPE_BF16", "shape": [1, 2]},
        },
    ],
    "Item": [{"item_id": "i-1", "vector": [1, 2], "cost": 3}, {"item_id": "n", "vector": [0, 1]}],
    "Label": [
        {"item_id": "i-1", "class_id": "cat"},
        {"item_id": "i-2", "class_id": "dog", "annotator_id": "ann"},
        {"item_id": "i-3", "outcome": "LABEL_OUTCOME_ABSTAIN"},
    ],
}
# What a field of this name should rather hold, so that requests come past the first check.
LIKELY: Final = {
    "project": ("projects/fuzz",),
    "name": ("projects/fuzz", "projects/fuzz/batches/b-1", "projects/fuzz/models/m-1"),
    "item_id": ("i-1", "i-2", "new"),
    "item_ids": ("i-1", "i-2", "new"),
    "class_id": ("cat", "dog"),
    "strategy": ("", "random", "margin", "k_center"),
    "learner": ("", "logistic"),
    "page_token": ("",),
    "request_id": ("", "same"),
    "upload_id": ("", "u"),
    "annotator_id": ("", "ann"),
    "paths": ("cost", "tags", "metadata", "display_name", "policy.batch_size"),
    "update_mask": (),
}

_TEXT: Final = st.sampled_from(PLAUSIBLE) | st.text(max_size=20)


def _mostly(
    likely: st.SearchStrategy[Any], unlikely: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """One in about fifteen is unlikely, so that a message of many fields may still be right."""
    return st.integers(1, 15).flatmap(lambda n: unlikely if n == 13 else likely)


def _whole(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return _mostly(st.integers(0, 8), st.integers(low, high))


_ODD: Final = st.sampled_from([-1.0, math.nan, math.inf, -math.inf])
_DOUBLES: Final = _mostly(st.floats(0, 1), _ODD | st.floats())
_FLOATS: Final = _mostly(st.floats(0, 1, width=32), _ODD | st.floats(width=32))
_SELDOM: Final = st.sampled_from([True, False, False])
_SCALARS: Final[dict[int, st.SearchStrategy[Any]]] = {
    FieldDescriptor.CPPTYPE_INT32: _whole(32, signed=True),
    FieldDescriptor.CPPTYPE_INT64: _whole(64, signed=True),
    FieldDescriptor.CPPTYPE_UINT32: _whole(32, signed=False),
    FieldDescriptor.CPPTYPE_UINT64: _whole(64, signed=False),
    FieldDescriptor.CPPTYPE_DOUBLE: _DOUBLES,
    FieldDescriptor.CPPTYPE_FLOAT: _FLOATS,
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_ENUM: _mostly(st.integers(0, 3), st.integers(-1, 99)),
}


@st.composite
def messages(draw: st.DrawFn, kind: Descriptor, depth: int = DEPTH) -> Message:
    """A message of this type; each field is set or not, within its number range."""
    message = GetMessageClass(kind)()
    if kind.name in USEFUL and draw(st.integers(0, 5)):
        ParseDict(draw(st.sampled_from(USEFUL[kind.name])), message)
        return message
    for field in kind.fields:
        if field.name in LIKELY or draw(_SELDOM):
            _fill(draw, message, field, depth)
    return message


def _fill(draw: st.DrawFn, message: Message, field: FieldDescriptor, depth: int) -> None:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        _fill_map(draw, message, field, depth)
    elif field.is_repeated:
        values = draw(st.lists(_values(field, depth), max_size=3 if depth > 0 else 0))
        getattr(message, field.name).extend(values)
    elif kind is None:
        setattr(message, field.name, draw(_values(field, depth)))
    elif depth > 0:
        getattr(message, field.name).CopyFrom(draw(_values(field, depth)))


def _fill_map(draw: st.DrawFn, message: Message, field: FieldDescriptor, depth: int) -> None:
    assert field.message_type is not None
    value = field.message_type.fields_by_name["value"]
    target = getattr(message, field.name)
    for key in draw(st.lists(_TEXT, max_size=2 if depth > 0 else 0)):
        drawn = draw(_values(value, depth))
        if value.message_type is None:
            target[key] = drawn
        else:
            target[key].CopyFrom(drawn)


def _values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(field.message_type, depth - 1)
    if field.type == FieldDescriptor.TYPE_STRING:
        right = st.sampled_from(LIKELY.get(field.name, PLAUSIBLE))
        return _mostly(right, _TEXT)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=40)
    return _SCALARS[field.cpp_type]
