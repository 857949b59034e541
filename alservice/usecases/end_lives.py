"""Ending the life of items: their rows are marked, their labels stop counting, their leases go."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.batch import BatchItemState
from alservice.ports.catalog import Tx
from alservice.ports.tables import ItemKey
from alservice.usecases.open_pool import OpenSegment
from alservice.usecases.pool_masks import mark

I64 = NDArray[np.int64]
_MANY: Final = 5000  # then what people did is searched for the items, not the other way round


def mark_deleted(tx: Tx, segment: OpenSegment, rows: I64, revision: int) -> None:
    """Set the deletion bits of these rows."""
    bits = mark(segment.deleted, rows)
    deleted = int(np.unpackbits(bits).sum())
    row = segment.segment
    tx.segments.set_deletions(row.segment_id, bits.tobytes(), row.rows - deleted, revision)


def keys_of(segment: OpenSegment, rows: I64) -> list[ItemKey]:
    """(item_id, incarnation) of these rows."""
    incarnations = segment.reader.incarnations[rows].tolist()
    return list(zip(segment.reader.item_ids(rows), incarnations, strict=True))


def end_lives(tx: Tx, project_id: str, keys: Sequence[ItemKey]) -> int:
    """Drop settled labels and leases of these items; how many were settled.

    Items that were waiting in a batch are released there.
    """
    wanted = set(keys)
    settled, leased = _touched(tx, project_id, wanted)
    if settled:
        tx.labels.unsettle(project_id, settled)
    if leased:
        tx.leases.delete(project_id, leased)
        _release(tx, project_id, leased)
    return len(settled)


def _touched(tx: Tx, project_id: str, wanted: set[ItemKey]) -> tuple[list[ItemKey], list[ItemKey]]:
    item_ids = sorted({item_id for item_id, _ in wanted})
    if len(item_ids) > _MANY:
        rows = tx.labels.settled_since(project_id, -1)
        settled = {(row.item_id, row.incarnation) for row in rows}
        leases = tx.leases.live(project_id, 0)
    else:
        settled = set(tx.labels.settled_of(project_id, item_ids))
        leases = tx.leases.of_items(project_id, item_ids)
    leased = {(lease.item_id, lease.incarnation) for lease in leases}
    return sorted(settled & wanted), sorted(leased & wanted)


def _release(tx: Tx, project_id: str, keys: Sequence[ItemKey]) -> None:
    waiting: dict[str, list[str]] = defaultdict(list)
    leased = set(keys)
    for key, seen in tx.batches.of_items(project_id, [item_id for item_id, _ in keys]).items():
        for batch_id, _, state, _ in seen:
            if key in leased and state == BatchItemState.OPEN:
                waiting[batch_id].append(key[0])
    for batch_id, item_ids in waiting.items():
        tx.batches.set_state(project_id, batch_id, item_ids, BatchItemState.RELEASED)
