"""The bytes of an artefact: a safetensors file like that of a segment, with other tensors.

See alservice/storage/segments/layout.py for its header, alignment and pads.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.ports.artefacts import Arrays
from alservice.storage.segments.layout import (
    ALIGNMENT,
    HEADER_SIZE,
    NUMPY_OF,
    Tensor,
    aligned,
    header,
    tensor,
)

VERSION: Final = "1"
KIND_OF: Final[Mapping[np.dtype[Any], str]] = {
    np.dtype(np.float32): "F32",
    np.dtype(np.int32): "I32",
    np.dtype(np.int64): "I64",
}


def compose(arrays: Arrays) -> tuple[bytes, list[Tensor]]:
    """The header, and the tensors that follow it. Raises KeyError for an array of another type."""
    tensors = aligned(tensor(name, KIND_OF[a.dtype], a) for name, a in arrays.items())
    return header(tensors, {"version": VERSION}), tensors


def checksum(head: bytes, tensors: list[Tensor]) -> int:
    """The CRC32C of the whole file."""
    crc = core.crc32c(head)
    for each in tensors:
        for piece in each.pieces:
            crc = core.crc32c(piece, crc)
    return crc


def parse(buffer: memoryview) -> dict[str, NDArray[Any]]:
    """The arrays, as views of the buffer. Raises ValueError, KeyError where it is no artefact."""
    if int.from_bytes(buffer[:8], "little") != HEADER_SIZE - 8:
        raise ValueError("its header has another size")
    entries = json.loads(bytes(buffer[8:HEADER_SIZE]))
    found = entries.pop("__metadata__")["version"]
    if found != VERSION:
        raise ValueError(f"format version {found!r}, expected {VERSION!r}")
    return {
        name: _view(buffer, entry) for name, entry in entries.items() if not name.startswith("_")
    }


def _view(buffer: memoryview, entry: Mapping[str, Any]) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    dtype, shape = NUMPY_OF[entry["dtype"]], entry["shape"]
    if end - begin != math.prod(shape, start=dtype.itemsize) or begin % ALIGNMENT:
        raise ValueError(f"a tensor of shape {shape} does not lie in {begin}..{end}")
    return np.ndarray(shape, dtype, buffer, HEADER_SIZE + begin)
