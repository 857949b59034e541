"""Where items are: an id's segment and row, deleted rows left out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alservice.ports.segments import PackedIds, SegmentReader
from alservice.usecases.open_pool import OpenSegment, is_set

I64 = NDArray[np.int64]
NOWHERE = -1


def locate(pool: Sequence[OpenSegment], ids: PackedIds) -> tuple[I64, I64]:
    """(index into `pool`, row in that segment) of m ids, each (m,) int64; -1 where absent.

    An id has at most one row that is not deleted in the whole pool.
    """
    return Finder(ids).locate(pool)


class Finder:
    """Finds the same ids again and again in a pool that changes.

    Segments never change, so each is searched once: look through a snapshot first, and again
    inside a transaction, where only segments that are new since cost anything.
    """

    def __init__(self, ids: PackedIds) -> None:
        self._ids = ids
        self._rows: dict[str, I64] = {}

    def locate(self, pool: Sequence[OpenSegment]) -> tuple[I64, I64]:
        """For each id (index into `pool`, row in that segment), both (m,); -1 where absent."""
        segment_of = np.full(len(self._ids.hashes), NOWHERE, dtype=np.int64)
        row_of = np.full(len(self._ids.hashes), NOWHERE, dtype=np.int64)
        for index, segment in enumerate(pool):
            rows = self._find(segment.segment.segment_id, segment.reader)
            hits = np.flatnonzero(rows >= 0)
            hits = hits[~is_set(segment.deleted, rows[hits])]
            segment_of[hits] = index
            row_of[hits] = rows[hits]
        return segment_of, row_of

    def _find(self, segment_id: str, reader: SegmentReader) -> I64:
        if segment_id not in self._rows:
            self._rows[segment_id] = reader.find(self._ids)
        return self._rows[segment_id]
