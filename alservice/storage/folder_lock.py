"""One process per data folder, by a lock that the kernel drops when its holder dies."""

import errno
import fcntl
import os
import socket
from itertools import count
from pathlib import Path
from typing import Final

from alservice.domain.startup import StartupError
from alservice.storage.durable_folder import make_folder

_NAME: Final = "lock"


class FolderInUse(StartupError):
    """Another process works on the folder. `pid` is its process id, None if it cannot be read."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        holder = "another process" if pid is None else f"process {pid}"
        super().__init__(f"{folder} is in use by {holder}: stop it, or choose another folder")
        self.folder = folder
        self.pid = pid


class FolderLock:
    """An exclusive lock on a folder, held until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock, making the folder if need be. Raises FolderInUse, StartupError."""
        make_folder(folder, 0o700)
        self._file = _open(folder / _NAME)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _pid(os.pread(self._file, 32, 0))
            os.close(self._file)
            raise FolderInUse(folder, pid) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go. Idempotent. The file stays: to remove it would race with the next holder."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def lock_own_folder(parent: Path) -> tuple[Path, FolderLock]:
    """A folder below `parent`, which processes share, that is this one's alone; with its lock.

    It may hold what a process that was killed has left there.
    """
    for number in count():
        folder = parent / f"{socket.gethostname()}-{number}"
        try:
            return folder, FolderLock(folder)
        except FolderInUse:
            continue
    raise AssertionError


def _open(lock: Path) -> int:
    """Never through a link: what it points to would be emptied."""
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise StartupError(f"{lock} is a link: remove it, it was not made by alservice") from None


def _pid(text: bytes) -> int | None:
    return int(text) if text.strip().isdigit() else None
