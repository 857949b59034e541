"""From a path to a map of its bytes, trusting nothing: size, then checksum."""

import errno
import mmap
import os
import sys
from pathlib import Path

from alservice import core
from alservice.domain.errors import Overloaded
from alservice.storage.files.files import Damaged

CHECK_BYTES = 4 << 20
TOO_MUCH_OPEN = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def map_verified(path: Path, size_bytes: int, crc32c: int, *, check: bool) -> mmap.mmap:
    """Map a file of this size; `check` its CRC32C first.

    Raises Damaged; Overloaded where no more can be open.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            require_size(size_bytes, os.fstat(descriptor).st_size)
            if check:
                require_crc32c(crc32c, crc32c_of_file(descriptor))
            return _map(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise Damaged("missing", f"the file {path} is gone") from error
    except OSError as error:
        if error.errno in TOO_MUCH_OPEN:
            text = (
                f"{path} cannot be opened now ({error.strerror}): retry after a moment; if it "
                "happens again, raise the server's limit of open files (ulimit -n)"
            )
            raise Overloaded(text, file=path.stem) from error
        raise Damaged("unreadable", f"{path} cannot be read ({error})") from error


def require_size(wanted: int, found: int) -> None:
    """Raise Damaged unless there are as many bytes as there must be."""
    if found != wanted:
        raise Damaged("size", f"it has {found} bytes instead of {wanted}")


def require_crc32c(wanted: int, found: int) -> None:
    """Raise Damaged unless the bytes have the checksum that they had."""
    if found != wanted:
        raise Damaged("checksum", f"its CRC32C is {found:08x} instead of {wanted:08x}")


def crc32c_of_file(descriptor: int) -> int:
    """Read, not mapped: a bad sector is an error then, and not the signal that ends a process."""
    crc = offset = 0
    buffer = memoryview(bytearray(CHECK_BYTES))
    while size := os.preadv(descriptor, [buffer], offset):
        crc = core.crc32c(buffer[:size], crc)
        offset += size
    return crc


def _map(descriptor: int) -> mmap.mmap:
    # Before 3.13 a map keeps a descriptor of its own, and those are few.
    if sys.version_info >= (3, 13):
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ, trackfd=False)
    return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
