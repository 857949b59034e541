"""What each item of a batch stands for, and what decided that it is there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Ranked
from alservice.domain.batch import Batch, BatchItem
from alservice.domain.errors import InvalidField
from alservice.domain.reasons import reasons
from alservice.ports.scoring import PoolScoring, Represented, SegmentBlock
from alservice.ports.segments import SegmentStore
from alservice.usecases.locate import locate
from alservice.usecases.open_pool import OpenSegment
from alservice.usecases.snapshot import Snapshot, Snapshots

I64 = NDArray[np.int64]
MOST_ITEMS: Final = 1_000
_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an item was chosen, how many items have it nearest, and the nearest of them."""

    reason: str
    represented_count: int = 0
    represented_ids: tuple[str, ...] = ()


def check_explained(count: int) -> None:
    """Raise InvalidField if a batch of so many items is too large to be explained."""
    if count > MOST_ITEMS:
        text = (
            f"a batch of {count} items is too large for BATCH_VIEW_FULL, which explains at most "
            f"{MOST_ITEMS}; ask for BATCH_VIEW_BASIC"
        )
        raise InvalidField(text, field="view")


@dataclass(frozen=True, slots=True)
class ExplainBatch:
    """Assigns every live item of role POOL to the item of the batch that is nearest to it.

    Labelled items count like all others, so that the answer stays the same while labels arrive.
    """

    store: SegmentStore
    snapshots: Snapshots
    scoring: PoolScoring

    def __call__(self, project_id: str, batch: Batch, cancel: CancelFlag) -> list[Explanation]:
        """By item; items deleted since, or without vectors, stand for nothing.

        One pass over the pool as it is now. Raises InvalidField, ProjectNotFound, SegmentCorrupt,
        Cancelled.
        """
        check_explained(len(batch.items))
        found = [Explanation(text) for text in reasons(batch.items, batch.chosen_by)]
        snapshot, _ = self.snapshots.take(project_id, "", lambda *_: None)
        if not snapshot.project.space.dimension:
            return found
        ids = self.store.pack([item.item_id for item in batch.items])
        segment, row = locate(snapshot.pool, ids)
        here = np.flatnonzero(_alive(snapshot.pool, batch.items, segment, row))
        picks = Ranked(segment[here], row[here], np.zeros(len(here), np.float32))
        parts = self.scoring.represented(_blocks(snapshot), picks, _MOST_NAMED, cancel)
        named = _names(snapshot.pool, parts)
        for place, count, ids_of in zip(here, parts.counts, named, strict=True):
            found[place] = replace(
                found[place], represented_count=int(count), represented_ids=ids_of
            )
        return found


def _alive(
    pool: Sequence[OpenSegment], items: Sequence[BatchItem], segment: I64, row: I64
) -> list[bool]:
    return [
        s >= 0 and int(pool[s].reader.incarnations[r]) == item.incarnation
        for item, s, r in zip(items, segment.tolist(), row.tolist(), strict=True)
    ]


def _blocks(snapshot: Snapshot) -> list[Block]:
    return [
        SegmentBlock(
            vectors=opened.reader.vectors,
            id_hash=opened.reader.ids.hashes,
            excluded=snapshot.masks.masks[opened.segment.segment_id].not_pool | opened.deleted,
            segment=opened.segment,
        )
        for opened in snapshot.pool
    ]


def _names(pool: Sequence[OpenSegment], parts: Represented) -> list[tuple[str, ...]]:
    """The ids of the nearest of each pick, looked up segment by segment."""
    names = np.empty(len(parts.pick), object)
    for index, opened in enumerate(pool):
        at = np.flatnonzero(parts.rows.block == index)
        names[at] = opened.reader.item_ids(parts.rows.row[at])
    edges = np.searchsorted(parts.pick, np.arange(len(parts.counts) + 1))
    return [tuple(names[a:b]) for a, b in pairwise(edges)]
