"""safetensors: a header in JSON, then the tensors one after the other.

The format: https://github.com/huggingface/safetensors#format
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from alservice.domain.errors import SourceInvalid
from alservice.ports.sources import Tick
from alservice.storage.imports.arrays import Stored, Stream, read_exactly
from alservice.storage.imports.raw import RawFile, Window

_MOST_HEADER_BYTES: Final = 16 << 20
_FORMATS: Final = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
    "BOOL": "|b1",
}


def arrays_of(raw: RawFile) -> Mapping[str, Stored]:
    """The tensors by name. Raises SourceInvalid, ValueError."""
    window = Window(raw)
    size = int.from_bytes(read_exactly(window, 8), "little")
    if size > min(_MOST_HEADER_BYTES, raw.size_bytes - 8):
        raise SourceInvalid("it is no safetensors file: its header would be too long")
    header = json.loads(read_exactly(window, size))
    if not isinstance(header, dict):
        raise SourceInvalid("it is no safetensors file: its header is no object")
    header.pop("__metadata__", None)
    return {name: _stored(raw, 8 + size, name, told) for name, told in header.items()}


def _stored(raw: RawFile, data: int, name: str, told: Any) -> Stored:
    """The tensor `name`; the tensors begin at byte `data`."""
    kind, shape, offsets = told["dtype"], tuple(told["shape"]), told["data_offsets"]
    numbers = (*shape, *offsets)
    if len(offsets) != 2 or not all(type(number) is int and number >= 0 for number in numbers):
        raise SourceInvalid(f"it describes the tensor {name} wrongly")
    if kind not in _FORMATS:  # one that may lie beside those that are asked for
        return Stored(np.dtype(object), shape, partial(_anywhere, raw))
    start, end = data + offsets[0], data + offsets[1]
    dtype, needed = np.dtype(_FORMATS[kind]), np.dtype(_FORMATS[kind]).itemsize
    for length in shape:
        needed *= length
    if end - start != needed or end > raw.size_bytes:
        raise SourceInvalid(f"the tensor {name} needs {needed} bytes: the file was cut off")

    def begin(row: int, _tick: Tick) -> Stream:
        return Window(raw, start + row * stored.row_bytes)

    stored = Stored(dtype, shape, begin, bf16=kind == "BF16")
    return stored


def _anywhere(raw: RawFile, _row: int, _tick: Tick) -> Stream:
    return Window(raw)
