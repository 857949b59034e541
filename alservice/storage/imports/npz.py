"""NumPy's .npz: a zip file of .npy members, stored or deflated, read as streams.

No member is ever whole in memory, whatever it says about its size; its checksum is compared when
its end is reached, but for a stored one that is not read from its beginning.
"""

import struct
import zipfile
from collections.abc import Mapping
from functools import partial
from typing import IO, Final, cast

from alservice.domain.errors import SourceInvalid
from alservice.ports.sources import Tick
from alservice.storage.imports.arrays import Stored, Stream, read_exactly
from alservice.storage.imports.npy import read_header
from alservice.storage.imports.raw import RawFile, Window

_END: Final = ".npy"
_SKIP_BYTES: Final = 1 << 20
_MOST_MEMBERS: Final = 1000
_MOST_DIRECTORY_BYTES: Final = 1 << 20
# Of these alone zipfile unpacks no more at once than it is asked for.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOCAL_HEADER: Final = struct.Struct("<26xHH")


class _Directory(Window):
    """A window for opening a zip file, whose whole directory zipfile reads at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        """As a window reads, but no more than a directory may have. Raises SourceInvalid."""
        if size is not None and size > _MOST_DIRECTORY_BYTES:
            text = f"its directory has {size} bytes; the most is {_MOST_DIRECTORY_BYTES}"
            raise SourceInvalid(text, limit=_MOST_DIRECTORY_BYTES, got=size)
        return super().read(size)


def arrays_of(raw: RawFile) -> Mapping[str, Stored]:
    """The arrays by name. Raises SourceInvalid, ValueError, BadZipFile."""
    with _zip(raw) as archive:
        members = [member for member in archive.infolist() if member.filename.endswith(_END)]
        if len(members) > _MOST_MEMBERS:
            raise SourceInvalid(f"it has {len(members)} arrays; the most is {_MOST_MEMBERS}")
        return {m.filename.removesuffix(_END): _stored(raw, archive, m) for m in members}


def _stored(raw: RawFile, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Stored:
    if member.compress_type not in _METHODS:
        text = (
            f"{member.filename} is compressed by method {member.compress_type} of zip; save it "
            "with np.savez or np.savez_compressed"
        )
        raise SourceInvalid(text, got=member.compress_type)
    with archive.open(member) as file:
        shape, dtype, offset = read_header(file, member.file_size)
    row_bytes = Stored(dtype, shape, _nowhere).row_bytes
    return Stored(dtype, shape, partial(_begin, raw, member, offset, row_bytes))


def _begin(
    raw: RawFile, member: zipfile.ZipInfo, offset: int, row_bytes: int, row: int, tick: Tick
) -> Stream:
    """The member from a row on, with a window of its own; what is deflated is read up to it."""
    left = offset + row * row_bytes
    if row and member.compress_type == zipfile.ZIP_STORED:
        return Window(raw, _data_of(raw, member) + left)
    file = _zip(raw).open(member)
    while left:
        part = file.read(min(left, _SKIP_BYTES))
        if not part:
            raise SourceInvalid("it ends too early")
        left -= len(part)
        if left:
            tick()
    return file


def _data_of(raw: RawFile, member: zipfile.ZipInfo) -> int:
    """Where the bytes of a stored member begin: after a header of its own."""
    header = read_exactly(Window(raw, member.header_offset), _LOCAL_HEADER.size)
    name, extra = _LOCAL_HEADER.unpack(header)
    start: int = member.header_offset + _LOCAL_HEADER.size + name + extra
    if start + member.file_size > raw.size_bytes:
        raise SourceInvalid(f"{member.filename} ends too early")
    return start


def _zip(raw: RawFile) -> zipfile.ZipFile:
    return zipfile.ZipFile(cast("IO[bytes]", _Directory(raw)))


def _nowhere(_row: int, _tick: Tick) -> Stream:
    raise AssertionError("only its size was asked for")
