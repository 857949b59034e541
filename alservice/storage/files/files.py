"""What the stores of segments and of artefacts need of the place where their files are."""

import mmap
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Damaged(Exception):
    """The bytes are not what was written, or are gone; `cause` in a word, `what` in a sentence."""

    def __init__(self, cause: str, what: str) -> None:
        super().__init__(what)
        self.cause = cause
        self.what = what


class Draft(Protocol):
    """A file that nobody can see yet. For one thread at a time."""

    def write(self, data: NDArray[np.uint8]) -> None:
        """Append bytes. Raises DiskFull, CacheFull."""

    def overwrite(self, data: bytes) -> None:
        """Replace the first bytes. Raises DiskFull."""

    def publish(self, crc32c: int) -> None:
        """Make it durable and whole under its name; `crc32c` is what its writer took of it.

        Raises DiskFull, ObjectStoreUnavailable; FileNotFoundError if it was removed meanwhile.
        """

    def discard(self) -> None:
        """Remove what was written. Idempotent, and nothing once it is published."""


class Files(Protocol):
    """Whole files by name. Safe for many threads, and for many processes on one place."""

    def create(self, name: str) -> Draft:
        """Begin a file. Raises FileExistsError, DiskFull, CacheFull, ObjectStoreUnavailable."""

    def open(self, name: str, size_bytes: int, crc32c: int) -> mmap.mmap:
        """Map a file, read-only.

        Its checksum is verified unless this object has written or verified it before. Raises
        Damaged; Overloaded where too many files are open; DiskFull, CacheFull and
        ObjectStoreUnavailable where it must be fetched first.
        """

    def remove(self, name: str) -> None:
        """Remove a file, finished or not; absent is fine. What is mapped goes on working."""

    def stray(self, known: Sequence[str]) -> Sequence[str]:
        """Names of files, finished or not, that are not among `known`; sorted."""

    def when_short(self, let_go: Callable[[], bool]) -> None:
        """Call `let_go` where room is short because too much is mapped.

        It drops one thing that was kept mapped for later, and says whether there was one.
        """
