"""The pool as one snapshot shows it: live segments, mapped, with what is deleted in each.

What was merged away lingers for a while, so that whoever has read its row can open it. Whoever
comes even later reads a new snapshot instead of failing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from alservice.domain.errors import SegmentCorrupt
from alservice.domain.segment import Segment
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentReader, SegmentStore

T = TypeVar("T")
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """One live segment. `deleted` is (ceil(rows / 8),) uint8, packed LSB first."""

    segment: Segment
    reader: SegmentReader
    deleted: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PoolRows:
    """What a transaction tells about a pool: enough to open it after the transaction.

    Each inline segment has its reader where it was open already, else its bytes.
    """

    segments: Sequence[Segment]
    inline: Mapping[str, bytes]
    readers: Mapping[str, SegmentReader]


def open_pool(
    catalog: Catalog, store: SegmentStore, project_id: str, facts: Callable[[Tx], T]
) -> tuple[tuple[OpenSegment, ...], T]:
    """The live segments in order, and what `facts` says in the same snapshot.

    Raises SegmentCorrupt, and what `facts` raises.
    """
    seen: Sequence[Segment] = ()
    for _ in range(_ATTEMPTS):
        rows, told = catalog.read(lambda tx: (pool_rows(tx, store, project_id), facts(tx)))
        try:
            return open_rows(rows, store), told
        except SegmentCorrupt:
            if _ids(rows.segments) == _ids(seen):  # nothing was merged: it is really broken
                raise
            seen = rows.segments
    return open_rows(rows, store), told


def pool_rows(tx: Tx, store: SegmentStore, project_id: str) -> PoolRows:
    """The rows of the live segments, with what opens the inline ones."""
    segments = tx.segments.live(project_id)
    inline: dict[str, bytes] = {}
    readers: dict[str, SegmentReader] = {}
    for name in (segment.segment_id for segment in segments if segment.inline):
        if (reader := store.opened(name)) is not None:
            readers[name] = reader
        elif (data := tx.segments.inline_bytes(name)) is not None:
            inline[name] = data
    return PoolRows(segments, inline, readers)


def open_rows(rows: PoolRows, store: SegmentStore) -> tuple[OpenSegment, ...]:
    """Map the segments. Raises SegmentCorrupt, also where a file has gone; Overloaded."""
    return tuple(
        OpenSegment(
            segment=segment,
            reader=rows.readers.get(segment.segment_id) or _reader(segment, rows.inline, store),
            deleted=deletion_bits(segment),
        )
        for segment in rows.segments
    )


def deletion_bits(segment: Segment) -> NDArray[np.uint8]:
    """The deletions (ceil(rows / 8),) uint8, packed LSB first; zeros where nothing is deleted."""
    size = (segment.rows + 7) // 8
    if not segment.deletions:
        return np.zeros(size, dtype=np.uint8)
    return np.frombuffer(segment.deletions, dtype=np.uint8, count=size)


def is_set(bits: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the bit of each row is set."""
    found = (bits[rows >> 3] >> (rows & 7).astype(np.uint8)) & np.uint8(1)
    return np.asarray(found, dtype=np.bool_)


def live_row_numbers(bits: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """The rows, ascending, whose bit is not set."""
    unset = np.unpackbits(bits, count=count, bitorder="little") == 0
    return np.flatnonzero(unset).astype(np.int64)


def _reader(segment: Segment, inline: Mapping[str, bytes], store: SegmentStore) -> SegmentReader:
    name = segment.segment_id
    if segment.inline and name not in inline:  # the catalog has its row, but not its bytes
        raise SegmentCorrupt(
            f"the bytes of segment {name} of project {segment.project_id} are gone",
            segment=name,
            project=segment.project_id,
        )
    return store.open(segment, inline.get(name))


def _ids(segments: Sequence[Segment]) -> list[str]:
    return [segment.segment_id for segment in segments]
