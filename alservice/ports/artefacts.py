"""Where artefacts live: immutable files of arrays, mapped rather than read.

Every implementation passes tests/contract/test_artefact_store.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from alservice.domain.artefact import Artefact

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class SealedArtefact:
    """What the catalog must know about a finished file."""

    size_bytes: int
    crc32c: int


class ArtefactStore(Protocol):
    """Files named after artefact ids that are never reused."""

    def write(self, artefact_id: str, arrays: Arrays) -> SealedArtefact:
        """Write a whole file, durable under its name; int32, int64 and float32 arrays.

        Leaves nothing behind if it fails, or a stray. Raises DiskFull, CacheFull,
        ObjectStoreUnavailable; Conflict if it was swept meanwhile.
        """

    def open(self, artefact: Artefact) -> Arrays:
        """Map a file; the arrays are read-only views of it.

        Checks its CRC32C, unless this store has written it or has checked it before. Raises
        ArtefactCorrupt, naming the artefact, also where the file is gone; Overloaded where too
        many files are open; DiskFull, CacheFull, ObjectStoreUnavailable where it must be fetched.
        """

    def remove(self, artefact_id: str) -> None:
        """Remove the file (what is mapped goes on working); absent is fine.

        Raises ObjectStoreUnavailable.
        """

    def stray(self, known: Sequence[str]) -> Sequence[str]:
        """Ids of files, finished or not, that are not among `known`.

        May leave out what is young. Raises ObjectStoreUnavailable.
        """
