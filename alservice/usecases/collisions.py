"""Which of the new items have ids that exist already, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.ports.segments import SegmentReader
from alservice.usecases.open_pool import OpenSegment, is_set
from alservice.usecases.shared_hashes import any_repeated, which_share
from alservice.usecases.write_segments import items_exist

I64 = NDArray[np.int64]
_NAMED: Final = 10
_NO_ROWS: Final = np.zeros(0, dtype=np.int64)
_FEW: Final = 16  # so many times fewer ids are looked up one by one rather than merged


@dataclass(frozen=True, slots=True)
class Clash:
    """Rows of one live segment, not deleted, with the same ids as rows of new segments.

    The three arrays (m,) go together: row there, index of the new segment, row in it.
    """

    segment: OpenSegment
    old_rows: I64
    new_segments: I64
    new_rows: I64

    def item_ids(self, limit: int) -> list[str]:
        """Some of the ids."""
        return self.segment.reader.item_ids(self.old_rows[:limit])


class Collisions:
    """Compares new segments with live ones, each pair once.

    So the pool may be looked through outside a transaction first, and again inside, where only
    segments that are new since cost anything.
    """

    def __init__(self, readers: Sequence[SegmentReader]) -> None:
        self._readers = readers
        self._pairs: dict[str, tuple[I64, I64, I64]] = {}

    def among(self, pool: Sequence[OpenSegment]) -> list[Clash]:
        """The clashes with what is alive in `pool` now."""
        self._pass_over_strangers(pool)
        return [clash for segment in pool if len((clash := self._clash(segment)).old_rows)]

    def _pass_over_strangers(self, pool: Sequence[OpenSegment]) -> None:
        """Spare segments without a hash in common the comparison with each of the new ones."""
        unknown = [each for each in pool if each.segment.segment_id not in self._pairs]
        if min(len(unknown), len(self._readers)) < 2:
            return  # as few pairs as segments
        shares = which_share([each.reader for each in unknown], self._readers)
        for each, shared in zip(unknown, shares.tolist(), strict=True):
            if not shared:
                self._pairs[each.segment.segment_id] = (_NO_ROWS, _NO_ROWS, _NO_ROWS)

    def _clash(self, segment: OpenSegment) -> Clash:
        key = segment.segment.segment_id
        if key not in self._pairs:
            self._pairs[key] = self._compare(segment.reader)
        old_rows, new_segments, new_rows = self._pairs[key]
        alive = ~is_set(segment.deleted, old_rows)
        return Clash(segment, old_rows[alive], new_segments[alive], new_rows[alive])

    def _compare(self, old: SegmentReader) -> tuple[I64, I64, I64]:
        found = [common_rows(new, old) for new in self._readers]
        sizes = [len(pairs) for pairs in found]
        pairs = np.concatenate(found) if found else np.zeros((0, 2), dtype=np.int64)
        return pairs[:, 1], np.repeat(np.arange(len(sizes), dtype=np.int64), sizes), pairs[:, 0]


def refuse_overlap(readers: Sequence[SegmentReader]) -> None:
    """Nothing, if no id stands in two of these segments. Raises ItemExists."""
    if len(readers) < 2 or not any_repeated(readers):
        return
    for index, a in enumerate(readers):
        for b in readers[index + 1 :]:
            rows = common_rows(a, b)[:, 0]
            if len(rows):
                named = a.item_ids(rows[:_NAMED])
                raise items_exist(named, len(rows), "more than once in this upload")


def common_rows(a: SegmentReader, b: SegmentReader) -> I64:
    """Pairs (row in a, row in b) with equal ids, (m, 2) int64."""
    if a.rows * _FEW < b.rows:
        rows = b.find(a.ids)
        hits = np.flatnonzero(rows >= 0)
        return np.stack([hits, rows[hits]], axis=1)
    return core.common_ids(_index(a), _index(b))


def _index(
    reader: SegmentReader,
) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint8], NDArray[np.int64]]:
    ids = reader.ids
    return ids.hashes, reader.order, ids.data, ids.offsets
