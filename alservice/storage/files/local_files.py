"""`LocalFiles`: one folder, one file per name, mapped where it is."""

import mmap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alservice.storage.durable_folder import make_folder
from alservice.storage.files.disk import NewFile
from alservice.storage.files.mapped import map_verified
from alservice.storage.files.names import SUFFIX, TEMPORARY, names_of, path_in


class LocalFiles:
    """Files in `folder`, which is made if it is not there; several machines may share it.

    They are `<name>.safetensors`, and `<name>.tmp` until they are whole.
    """

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self.folder = folder
        # The CRC32C that a file is known to have. One step each, so threads need no lock.
        self._verified: dict[str, int] = {}

    def create(self, name: str) -> "LocalDraft":
        """Begin a file. Raises FileExistsError, DiskFull."""
        final = path_in(self.folder, name, SUFFIX)
        if final.exists():
            raise FileExistsError(f"names are never reused, and {final} exists")
        file = NewFile(path_in(self.folder, name, TEMPORARY))
        # Its writer took the checksum as the bytes went by: no need to read them all at once.
        return LocalDraft(file, final, partial(self._verified.__setitem__, name))

    def open(self, name: str, size_bytes: int, crc32c: int) -> mmap.mmap:
        """Map a file. Raises Damaged, Overloaded."""
        path = path_in(self.folder, name, SUFFIX)
        check = self._verified.get(name) != crc32c
        mapped = map_verified(path, size_bytes, crc32c, check=check)
        self._verified[name] = crc32c
        return mapped

    def remove(self, name: str) -> None:
        """Remove the file, finished or not; absent is fine."""
        self._verified.pop(name, None)
        for suffix in (SUFFIX, TEMPORARY):
            path_in(self.folder, name, suffix).unlink(missing_ok=True)

    def stray(self, known: Sequence[str]) -> Sequence[str]:
        """Names of files, finished or not, that are not among `known`; sorted."""
        files = names_of(path.name for path in self.folder.iterdir())
        return sorted(files.difference(known))

    def when_short(self, let_go: Callable[[], bool]) -> None:
        """Nothing: to let go of a map makes no room in this folder."""


class LocalDraft:
    """A file under a temporary name in its own folder, renamed once it is whole."""

    def __init__(self, file: NewFile, final: Path, trust: Callable[[int], None]) -> None:
        self._file = file
        self._final = final
        self._trust = trust

    def write(self, data: NDArray[np.uint8]) -> None:
        """Append bytes. Raises DiskFull."""
        self._file.write(data)

    def overwrite(self, data: bytes) -> None:
        """Replace the first bytes. Raises DiskFull."""
        self._file.overwrite(data)

    def publish(self, crc32c: int) -> None:
        """Flush the bytes, then the name. Raises DiskFull, FileNotFoundError."""
        self._file.publish(self._final)
        self._trust(crc32c)

    def discard(self) -> None:
        """Remove the temporary file. Idempotent."""
        self._file.discard()
