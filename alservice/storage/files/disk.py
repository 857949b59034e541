"""The one file that writes to the disk: early write-back, durable renames, a full disk's error."""

import contextlib
import ctypes
import errno
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alservice.domain.errors import DiskFull
from alservice.storage.durable_folder import sync_folder

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Small enough that the last fsync is short, large enough that the calls cost nothing.
WRITE_BACK_BYTES = 16 << 20
SYNC_FILE_RANGE_WRITE = 2


class NewFile:
    """A file under a temporary name until `publish`: then it is whole, durable, in its place.

    One that is dropped closes its descriptor; its name stays for the sweeper.
    """

    def __init__(self, temporary: Path) -> None:
        self._path = temporary
        self._written = self._pushed = 0
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        with no_room_is_disk_full(temporary):
            self._descriptor = os.open(temporary, flags, 0o640)
        self._closing = weakref.finalize(self, os.close, self._descriptor)

    def write(self, data: NDArray[np.uint8]) -> None:
        """Append bytes, straight from the caller's buffer. Raises DiskFull."""
        with no_room_is_disk_full(self._path):
            rest = data.data
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        self._written += data.size
        if self._written - self._pushed >= WRITE_BACK_BYTES:
            begin_write_back(self._descriptor, self._pushed, self._written - self._pushed)
            self._pushed = self._written

    def overwrite(self, data: bytes) -> None:
        """Replace the first bytes. Raises DiskFull."""
        with no_room_is_disk_full(self._path):
            written = os.pwrite(self._descriptor, data, 0)
        if written != len(data):
            raise OSError(errno.EIO, "short write", str(self._path))

    def publish(self, final: Path) -> None:
        """Make the bytes durable, then the name. Raises DiskFull; FileNotFoundError if removed."""
        with no_room_is_disk_full(self._path):
            os.fsync(self._descriptor)
            self.close()
            self._path.rename(final)
            sync_folder(final.parent)

    def discard(self) -> None:
        """Close and remove the temporary file. Idempotent."""
        self.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Write no more. The bytes are not durable by that."""
        self._descriptor = -1  # the number may be another file's soon
        self._closing()


@contextlib.contextmanager
def no_room_is_disk_full(path: Path) -> Iterator[None]:
    """Raise DiskFull where the file system, a quota or a limit has no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        text = (
            f"no room to write {path.name} in {path.parent} ({error.strerror}): free space on "
            "that disk or raise its quota (deleted items give theirs back once they are swept), "
            "then send the request again"
        )
        raise DiskFull(text, folder=path.parent) from error


def begin_write_back(descriptor: int, offset: int, size_bytes: int) -> None:
    """Ask Linux to begin writing these pages to the disk, without waiting for it.

    By itself it waits for seconds, and then the last fsync has everything left to do. Elsewhere
    this does nothing; durability never depends on it. (posix_fadvise(DONTNEED) would write early
    as well, but drops the pages that the first Query is about to read.)
    """
    if _sync_file_range is not None:
        offset64, size64 = ctypes.c_int64(offset), ctypes.c_int64(size_bytes)
        _sync_file_range(descriptor, offset64, size64, SYNC_FILE_RANGE_WRITE)


_sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", None)
