"""A file to import in a folder of this machine, reached without following any link."""

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from alservice.domain.errors import SourceInvalid, SourceNotFound

_PIECE_BYTES: Final = 256 << 10
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe must not wait for whoever writes to it.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LocalRaw:
    """A `RawFile`. Its version is size and time of change."""

    piece_bytes = _PIECE_BYTES
    is_far = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        found = os.fstat(descriptor)
        self.size_bytes = found.st_size
        self.version = f"{found.st_size}-{found.st_mtime_ns}"

    @classmethod
    def open(cls, root: Path, path: Path, uri: str) -> "LocalRaw":
        """Open `path`, which is below `root`; both are free of links.

        What has become a link meanwhile is not followed. Raises SourceNotFound, SourceInvalid.
        """
        try:
            descriptor = _walk(root, path)
        except FileNotFoundError:
            raise SourceNotFound(f"there is no file {uri}", uri=uri) from None
        except OSError as error:
            raise SourceInvalid(f"{uri} cannot be opened: {error.strerror}", uri=uri) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise SourceInvalid(f"{uri} is no regular file", uri=uri)
        return cls(descriptor)

    def begin(self, start: int, count: int) -> Callable[[], bytes]:
        """The bytes, read when they are asked for."""
        return partial(self._read, start, count)

    def close(self) -> None:
        """Close it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _read(self, start: int, count: int) -> bytes:
        parts, at = [], start
        while at < start + count:
            part = os.pread(self._descriptor, start + count - at, at)
            if not part:
                text = f"it ends at byte {at}: it is being written, or was cut off"
                raise SourceInvalid(text, got=at)
            parts.append(part)
            at += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _walk(root: Path, path: Path) -> int:
    """A descriptor of the file, opened folder by folder. Raises OSError."""
    *folders, name = path.relative_to(root).parts
    folder = os.open(root, _FOLDER)
    try:
        for part in folders:
            below = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(name, _FILE, dir_fd=folder)
    finally:
        os.close(folder)
