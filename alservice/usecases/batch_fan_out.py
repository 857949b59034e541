"""What each item of a batch stands for: the items of the pool that have it nearest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alservice.core import Block, CancelFlag, Ranked
from alservice.domain.batch import BatchItem
from alservice.ports.scoring import PoolScoring
from alservice.ports.segments import SegmentStore
from alservice.usecases.locate import locate
from alservice.usecases.open_pool import OpenSegment
from alservice.usecases.snapshot import Snapshot, Snapshots

_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class FanOut:
    """How many items of the pool have this item of the batch nearest, and the nearest of them."""

    count: int
    item_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchFanOut:
    """Assigns every live item of role POOL to the item of the batch that is nearest to it.

    Labelled items count like all others, so that the answer stays the same while labels arrive.
    """

    store: SegmentStore
    snapshots: Snapshots
    scoring: PoolScoring

    def __call__(
        self, project_id: str, items: Sequence[BatchItem], cancel: CancelFlag
    ) -> list[FanOut]:
        """By item; nothing for items deleted since, or without vectors. One pass over the pool.

        Raises ProjectNotFound, SegmentCorrupt, Cancelled.
        """
        snapshot, _ = self.snapshots.take(project_id, "", lambda *_: None)
        found = [FanOut(0, ())] * len(items)
        if not snapshot.project.space.dimension:
            return found
        segment, row = locate(snapshot.pool, self.store.pack([item.item_id for item in items]))
        here = np.flatnonzero(_alive(snapshot.pool, items, segment, row))
        picks = Ranked(segment[here], row[here], np.zeros(len(here), np.float32))
        parts = self.scoring.represented(_blocks(snapshot), picks, _MOST_NAMED, cancel)
        for place, count, nearest in zip(here, parts.counts, parts.nearest, strict=True):
            found[place] = FanOut(int(count), _names(snapshot.pool, nearest))
        return found


def _alive(
    pool: Sequence[OpenSegment],
    items: Sequence[BatchItem],
    segment: np.ndarray,
    row: np.ndarray,
) -> list[bool]:
    return [
        s >= 0 and int(pool[s].reader.incarnations[r]) == item.incarnation
        for item, s, r in zip(items, segment.tolist(), row.tolist(), strict=True)
    ]


def _blocks(snapshot: Snapshot) -> list[Block]:
    return [
        Block(
            vectors=opened.reader.vectors,
            id_hash=opened.reader.ids.hashes,
            excluded=snapshot.masks.masks[opened.segment.segment_id].not_pool | opened.deleted,
        )
        for opened in snapshot.pool
    ]


def _names(pool: Sequence[OpenSegment], rows: Ranked) -> tuple[str, ...]:
    names = [
        pool[s].reader.item_ids(np.array([r], np.int64))[0]
        for s, r in zip(rows.block.tolist(), rows.row.tolist(), strict=True)
    ]
    return tuple(names)
