"""Where the items and their vectors live: immutable segments, mapped rather than read.

Every implementation passes tests/contract/test_segment_store.py.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.domain.item import Attributes, ItemBlock
from alservice.domain.project import DType
from alservice.domain.segment import Segment


@dataclass(frozen=True, slots=True)
class PackedIds:
    """Ids as the core wants them.

    UTF-8 bytes end to end, offsets (n+1,) int64, hashes (n,) uint64.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    hashes: NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What the catalog must know about a finished segment."""

    rows: int
    size_bytes: int
    crc32c: int


class SegmentReader(Protocol):
    """One mapped segment. Arrays are read-only views of the file; nothing is copied."""

    @property
    def rows(self) -> int:
        """How many items."""

    @property
    def dtype(self) -> DType:
        """How the vectors are stored."""

    @property
    def vectors(self) -> NDArray[np.generic]:
        """(n, d) float32, float16, or uint16 holding bfloat16 bits."""

    @property
    def ids(self) -> PackedIds:
        """The ids, in row order."""

    @property
    def order(self) -> NDArray[np.uint32]:
        """(n,) the permutation that sorts the rows by (hash, row)."""

    @property
    def incarnations(self) -> NDArray[np.int64]:
        """(n,)."""

    @property
    def roles(self) -> NDArray[np.uint8]:
        """(n,) values of Role."""

    @property
    def costs(self) -> NDArray[np.float32]:
        """(n,) NaN where unknown."""

    def item_ids(self, rows: NDArray[np.int64]) -> list[str]:
        """The ids of these rows."""

    def attributes(self, rows: NDArray[np.int64]) -> list[Attributes]:
        """The attributes of these rows."""

    def class_ids(self) -> tuple[NDArray[np.int64], list[str]]:
        """The rows that were uploaded with a label, and its class."""

    def find(self, ids: PackedIds) -> NDArray[np.int64]:
        """(m,) the row of each id, -1 where it is not here.

        Compares the bytes, not only the hash.
        """


class SegmentWriter(Protocol):
    """A segment being written: append, then seal or abort. For one thread at a time."""

    @property
    def rows(self) -> int:
        """Items so far."""

    @property
    def size_bytes(self) -> int:
        """Bytes of vectors so far, about."""

    def append(self, block: ItemBlock, incarnations: NDArray[np.int64]) -> None:
        """Add items; vectors go straight to the file. Raises DiskFull, CacheFull."""

    def seal(self) -> Sealed:
        """Write the rest; durable and whole under its name once this returns.

        Raises DiskFull, CacheFull, ObjectStoreUnavailable; Conflict if it was swept meanwhile.
        """

    def abort(self) -> None:
        """Remove what was written. Idempotent, also after seal (then it does nothing)."""


class SegmentStore(Protocol):
    """Files named after segment ids that are never reused."""

    def writer(self, segment_id: str, dimension: int, dtype: DType) -> SegmentWriter:
        """Begin a file. Raises DiskFull, CacheFull, ObjectStoreUnavailable, FileExistsError."""

    def encode(
        self, blocks: Sequence[tuple[ItemBlock, NDArray[np.int64]]], dimension: int, dtype: DType
    ) -> tuple[bytes, Sealed]:
        """The same format in memory, for inline segments: blocks with their incarnations."""

    def open(self, segment: Segment, inline: bytes | None = None) -> SegmentReader:
        """Map a segment.

        Checks its CRC32C when it is first mapped, unless this store has taken the checksum while
        it wrote the same file, then keeps it for the next call while there is room. An inline
        segment's bytes are needed unless it is open already. Raises SegmentCorrupt, naming the
        segment; Overloaded where too many files are open; DiskFull, CacheFull and
        ObjectStoreUnavailable where the file must be fetched first.
        """

    def opened(self, segment_id: str) -> SegmentReader | None:
        """The reader, if it is open already: to hold it is to have it, whatever is let go."""

    def keep_only(self, known: Collection[str]) -> None:
        """Let go of what is kept open of other segments: who holds a reader keeps it."""

    def remove(self, segment_id: str) -> None:
        """Remove the file (readers that are open go on working); absent is fine.

        Raises ObjectStoreUnavailable.
        """

    def stray(self, known: Sequence[str]) -> Sequence[str]:
        """Ids of files, finished or not, that are not among `known`.

        May leave out what is young. Raises ObjectStoreUnavailable.
        """

    def pack(self, item_ids: Sequence[str]) -> PackedIds:
        """Ids in packed form."""
