"""The bytes of a segment: a safetensors file whose header has a fixed size.

    8 bytes          size of the header, little-endian: always HEADER_SIZE - 8
    HEADER_SIZE - 8  JSON {tensor: {dtype, shape, data_offsets}}, filled up with spaces
    the rest         the tensors, little-endian and row-major, end to end

Every tensor begins at a multiple of 64 bytes. The format knows no holes, so what lies between is
a tensor too: `_pad0`, `_pad1`, ... A header of fixed size lets the vectors be written before
anything is known about them; its 4096 bytes put them at the beginning of a page.

Format: https://github.com/huggingface/safetensors#format
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alservice.domain.project import DType

VERSION = "1"
HEADER_SIZE = 4096
ALIGNMENT = 64
NUMPY_OF: Mapping[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
}
KIND_OF = {DType.F32: "F32", DType.F16: "F16", DType.BF16: "BF16"}
DTYPE_OF = {kind: dtype for dtype, kind in KIND_OF.items()}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of the header, and its bytes in any number of pieces (none: written already)."""

    name: str
    kind: str
    shape: tuple[int, ...]
    pieces: Sequence[NDArray[np.uint8]] = ()

    @property
    def size_bytes(self) -> int:
        """How far the next tensor is."""
        return math.prod(self.shape, start=NUMPY_OF[self.kind].itemsize)


def tensor(name: str, kind: str, array: NDArray[np.generic]) -> Tensor:
    """A tensor of one array, converted to `kind` if it has another type."""
    typed = np.ascontiguousarray(array, NUMPY_OF[kind])
    return Tensor(name, kind, typed.shape, (as_bytes(typed),))


def as_bytes(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    """The bytes of a contiguous array, without a copy."""
    return array.reshape(-1).view(np.uint8)


def aligned(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The same tensors with pads between them, so that each begins at a multiple of 64 bytes."""
    placed: list[Tensor] = []
    pads = offset = 0
    for each in tensors:
        if gap := -offset % ALIGNMENT:
            placed.append(tensor(f"_pad{pads}", "U8", np.zeros(gap, np.uint8)))
            pads, offset = pads + 1, offset + gap
        placed.append(each)
        offset += each.size_bytes
    return placed


def header(tensors: Iterable[Tensor], metadata: Mapping[str, object]) -> bytes:
    """The first HEADER_SIZE bytes of a file that goes on with these tensors."""
    entries: dict[str, object] = {"__metadata__": {k: str(v) for k, v in metadata.items()}}
    offset = 0
    for each in tensors:
        end = offset + each.size_bytes
        shape = list(each.shape)
        entries[each.name] = {"dtype": each.kind, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    size = HEADER_SIZE - 8
    if len(text) > size:
        raise ValueError(f"a header of {len(text)} bytes does not fit into {size}")
    return size.to_bytes(8, "little") + text.ljust(size)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds. Arrays are views of the buffer it was parsed from."""

    rows: int
    dtype: DType
    arrays: Mapping[str, NDArray[np.generic]]


def parse(buffer: memoryview) -> Contents:
    """Find the tensors in the bytes of a file. Raises ValueError where it is no segment."""
    begin = 8 + int.from_bytes(buffer[:8], "little")
    entries = json.loads(bytes(buffer[8:begin]))
    metadata = entries.pop("__metadata__")
    if metadata.get("version") != VERSION:
        raise ValueError(f"format version {metadata.get('version')!r}, expected {VERSION!r}")
    arrays = {
        name: np.ndarray(
            entry["shape"], NUMPY_OF[entry["dtype"]], buffer, begin + entry["data_offsets"][0]
        )
        for name, entry in entries.items()
    }
    return Contents(int(metadata["rows"]), DTYPE_OF[entries["vectors"]["dtype"]], arrays)
