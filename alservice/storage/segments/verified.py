"""From a catalog row to a reader, trusting nothing: size, checksum, format."""

import errno
import mmap
import os
import sys
from pathlib import Path

from alservice import core
from alservice.domain.errors import Overloaded, SegmentCorrupt
from alservice.domain.segment import Segment
from alservice.storage.segments.reader import Reader

CHECK_BYTES = 4 << 20
TOO_MUCH_OPEN = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def read_file(path: Path, segment: Segment, *, check: bool) -> Reader:
    """Map a file; `check` its CRC32C first.

    Raises SegmentCorrupt, naming segment and project; Overloaded where no more can be open.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _mapped(descriptor, segment, check=check)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise _corrupt(segment, "missing", f"the file {path} is gone") from error
    except OSError as error:
        if error.errno in TOO_MUCH_OPEN:
            text = (
                f"{path} cannot be opened now ({error.strerror}): retry after a moment; if it "
                "happens again, raise the server's limit of open files (ulimit -n)"
            )
            raise Overloaded(text, segment=segment.segment_id) from error
        raise _corrupt(segment, "unreadable", f"{path} cannot be read ({error})") from error


def read_bytes(data: bytes, segment: Segment) -> Reader:
    """A reader of bytes from the catalog. Raises SegmentCorrupt, naming segment and project."""
    _check_size(segment, len(data))
    _check_crc32c(segment, core.crc32c(data))
    return _parsed(segment, memoryview(data))


def _mapped(descriptor: int, segment: Segment, *, check: bool) -> Reader:
    _check_size(segment, os.fstat(descriptor).st_size)
    if check:
        _check_crc32c(segment, crc32c_of_file(descriptor))
    return _parsed(segment, memoryview(map_file(descriptor)))


def map_file(descriptor: int) -> mmap.mmap:
    """The whole file, read-only."""
    # Before 3.13 a map keeps a descriptor of its own, and those are few.
    if sys.version_info >= (3, 13):
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ, trackfd=False)
    return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)


def crc32c_of_file(descriptor: int) -> int:
    """Read, not mapped: a bad sector is an error then, and not the signal that ends a process."""
    crc = offset = 0
    buffer = memoryview(bytearray(CHECK_BYTES))
    while size := os.preadv(descriptor, [buffer], offset):
        crc = core.crc32c(buffer[:size], crc)
        offset += size
    return crc


def _check_size(segment: Segment, size_bytes: int) -> None:
    if size_bytes != segment.size_bytes:
        text = f"it has {size_bytes} bytes instead of {segment.size_bytes}"
        raise _corrupt(segment, "size", text)


def _check_crc32c(segment: Segment, crc32c: int) -> None:
    if crc32c != segment.crc32c:
        text = f"its CRC32C is {crc32c:08x} instead of {segment.crc32c:08x}"
        raise _corrupt(segment, "checksum", text)


def _parsed(segment: Segment, buffer: memoryview) -> Reader:
    try:
        reader = Reader(buffer)
    except (ValueError, KeyError, TypeError) as error:
        raise _corrupt(segment, "format", f"it is no segment ({error})") from error
    if reader.rows != segment.rows:
        text = f"it has {reader.rows} rows instead of {segment.rows}"
        raise _corrupt(segment, "rows", text)
    return reader


def _corrupt(segment: Segment, cause: str, what: str) -> SegmentCorrupt:
    text = (
        f"segment {segment.segment_id} of project {segment.project_id} is damaged: {what}. "
        "Restore it from a backup, or delete the project; other projects are not affected"
    )
    return SegmentCorrupt(
        text, segment=segment.segment_id, project=segment.project_id, cause=cause
    )
