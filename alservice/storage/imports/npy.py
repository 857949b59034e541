"""NumPy's .npy: one array.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from collections.abc import Mapping
from typing import IO, Any, Final, cast

import numpy as np
from numpy.lib import format as npy_format

from alservice.domain.errors import SourceInvalid
from alservice.ports.sources import Tick
from alservice.storage.imports.arrays import Stored, Stream
from alservice.storage.imports.raw import RawFile, Window

NAME: Final = "X"  # of an array that has none
_MOST_HEADER_BYTES: Final = 1 << 16
Header = tuple[tuple[int, ...], np.dtype[Any], int]


def arrays_of(raw: RawFile) -> Mapping[str, Stored]:
    """The array. Raises SourceInvalid, ValueError."""
    window = Window(raw)
    shape, dtype, offset = read_header(cast("IO[bytes]", window), raw.size_bytes)

    def begin(row: int, _tick: Tick) -> Stream:
        return Window(raw, offset + row * stored.row_bytes)

    stored = Stored(dtype, shape, begin)
    return {NAME: stored}


class _Bounded:
    """What a header is read from: one that says it is huge must not be unpacked to see that."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        if size > _MOST_HEADER_BYTES:
            raise SourceInvalid(f"its header has {size} bytes; the most is {_MOST_HEADER_BYTES}")
        return self._file.read(size)


def read_header(file: IO[bytes], size_bytes: int) -> Header:
    """Shape, format and where the numbers begin, in a file of this size.

    Raises SourceInvalid for what cannot be read in rows, ValueError for what is no .npy.
    """
    bounded = cast("IO[bytes]", _Bounded(file))
    version = npy_format.read_magic(bounded)
    readers = {
        (1, 0): npy_format.read_array_header_1_0,
        (2, 0): npy_format.read_array_header_2_0,
    }
    if version not in readers:
        raise SourceInvalid(f"it has version {version} of .npy; save plain arrays of numbers")
    shape, is_fortran, dtype = readers[version](bounded)
    if dtype.hasobject:
        raise SourceInvalid(
            "an array holds Python objects, which are never loaded from files; save vectors as "
            "float32, X.astype(np.float32), and texts as y.astype(str)"
        )
    if is_fortran and len(shape) > 1:
        raise SourceInvalid("it is in column order; save np.ascontiguousarray(X)")
    offset, needed = file.tell(), dtype.itemsize
    for length in shape:
        needed *= length
    if min(shape, default=0) < 0 or offset + needed > size_bytes:
        text = f"its shape {shape} needs {needed} bytes and it has {size_bytes - offset}"
        raise SourceInvalid(f"{text}: it is being written, or was cut off")
    return shape, dtype, offset
