"""NumPy's .npz: a zip file of .npy members, compressed or not, read as streams.

No member is ever whole in memory, whatever it says about its size; its checksum is compared when
its end is reached.
"""

import zipfile
from collections.abc import Mapping
from functools import partial
from typing import IO, Final, cast

from alservice.domain.errors import SourceInvalid
from alservice.storage.imports.arrays import Stored, Stream
from alservice.storage.imports.npy import read_header
from alservice.storage.imports.raw import RawFile, Window

_END: Final = ".npy"
_SKIP_BYTES: Final = 1 << 20
_MOST_MEMBERS: Final = 1000


def arrays_of(raw: RawFile) -> Mapping[str, Stored]:
    """The arrays by name. Raises SourceInvalid, ValueError, BadZipFile."""
    with _zip(raw) as archive:
        members = [member for member in archive.infolist() if member.filename.endswith(_END)]
        if len(members) > _MOST_MEMBERS:
            raise SourceInvalid(f"it has {len(members)} arrays; the most is {_MOST_MEMBERS}")
        return {m.filename.removesuffix(_END): _stored(raw, archive, m) for m in members}


def _stored(raw: RawFile, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Stored:
    with archive.open(member) as file:
        shape, dtype, offset = read_header(file, member.file_size)
    row_bytes = Stored(dtype, shape, _nowhere).row_bytes
    return Stored(dtype, shape, partial(_begin, raw, member.filename, offset, row_bytes))


def _begin(raw: RawFile, name: str, offset: int, row_bytes: int, row: int) -> Stream:
    """The member from a row on, with a window of its own; what is before it is read too."""
    file = _zip(raw).open(name)
    left = offset + row * row_bytes
    while left > 0:
        part = file.read(min(left, _SKIP_BYTES))
        if not part:
            raise SourceInvalid("it ends too early")
        left -= len(part)
    return file


def _zip(raw: RawFile) -> zipfile.ZipFile:
    return zipfile.ZipFile(cast("IO[bytes]", Window(raw)))


def _nowhere(_row: int) -> Stream:
    raise AssertionError("only its size was asked for")
