"""The rows of a snapshot that may be chosen now, as the blocks that a pool pass walks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Ranked
from alservice.domain.batch import Arm
from alservice.ports.scoring import PoolScoring, SegmentBlock
from alservice.ports.segments import SegmentStore
from alservice.usecases.locate import locate
from alservice.usecases.pool_masks import count_unset, mark
from alservice.usecases.snapshot import Snapshot

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
Held = tuple[I64, I64]  # (segment, row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One item that may go into the batch: where it is, and what it is worth."""

    item_id: str
    incarnation: int
    segment: int
    row: int
    score: float
    arm: Arm
    components: Mapping[str, float] = field(default_factory=dict)


def held_rows(snapshot: Snapshot, store: SegmentStore) -> Held:
    """(segment, row) of what is leased, or refused by this annotator."""
    keys = [(lease.item_id, lease.incarnation) for lease in snapshot.leases]
    keys += snapshot.abstained
    segment, row = locate(snapshot.pool, store.pack([item_id for item_id, _ in keys]))
    lives = np.array([life for _, life in keys], np.int64)
    found = np.zeros(len(keys), np.bool_)
    for index, opened in enumerate(snapshot.pool):
        at = np.flatnonzero(segment == index)
        found[at] = opened.reader.incarnations[row[at]] == lives[at]
    return segment[found], row[found]


def open_blocks(snapshot: Snapshot, held: Held, arm: Arm) -> list[Block]:
    """A block per segment; excluded is what this arm must not choose."""
    segment_of, row_of = held
    blocks: list[Block] = []
    for index, opened in enumerate(snapshot.pool):
        masks = snapshot.masks.masks[opened.segment.segment_id]
        audit = arm is Arm.AUDIT
        closed = masks.audit_closed(opened.deleted) if audit else masks.closed(opened.deleted)
        rows = row_of[segment_of == index]
        blocks.append(
            SegmentBlock(
                vectors=opened.reader.vectors,
                id_hash=opened.reader.ids.hashes,
                excluded=mark(closed, rows) if len(rows) else closed,
                segment=opened.segment,
            )
        )
    return blocks


def count_open(blocks: Sequence[Block]) -> int:
    """How many rows may be chosen."""
    return sum(count_unset(block.excluded, len(block.id_hash)) for block in blocks)


@dataclass(frozen=True, slots=True)
class Anchors:
    """What a strategy must not repeat: items whose labels train, then held ones.

    Both in the order of their ids' hashes, which no merge changes. `classes` (m,) are positions
    of classes, -1 for the held. `block` and `row` (l,) say where the labelled ones are.
    """

    vectors: F32  # (m, d)
    classes: I64  # (m,)
    block: I64
    row: I64


def anchors(
    snapshot: Snapshot,
    blocks: Sequence[Block],
    held: Held,
    scoring: PoolScoring,
    cancel: CancelFlag,
) -> Anchors:
    """The vectors of labelled and of held items, with their classes.

    Labels that train nothing (the audit's, those of TEST and GOLD items) are left out: the model
    knows no more around them than elsewhere. Raises Cancelled.
    """
    block, row, classes = _trained(snapshot)
    order = _by_hash(blocks, block, row)
    block, row, classes = block[order], row[order], classes[order]
    held_order = _by_hash(blocks, *held)
    vectors = scoring.gather(
        blocks,
        np.concatenate([block, held[0][held_order]]),
        np.concatenate([row, held[1][held_order]]),
        cancel,
    )
    unknown = np.full(len(held_order), -1, np.int64)
    return Anchors(vectors, np.concatenate([classes, unknown]), block, row)


def _trained(snapshot: Snapshot) -> tuple[I64, I64, I64]:
    """Segment, row and class of each label that trains."""
    found: list[tuple[int, int, int]] = []
    for index, opened in enumerate(snapshot.pool):
        mask = snapshot.masks.masks[opened.segment.segment_id]
        gone = np.unpackbits(
            opened.deleted | mask.not_pool, count=opened.reader.rows, bitorder="little"
        )
        found += [(index, r, c) for r, c in mask.classes.items() if c >= 0 and not gone[r]]
    columns = np.array(found, np.int64).reshape(-1, 3)
    return columns[:, 0].copy(), columns[:, 1].copy(), columns[:, 2].copy()


def _by_hash(blocks: Sequence[Block], block: I64, row: I64) -> I64:
    hashes = [blocks[b].id_hash[r] for b, r in zip(block.tolist(), row.tolist(), strict=True)]
    return np.argsort(np.array(hashes, np.uint64), kind="stable")


def open_costs(snapshot: Snapshot) -> list[F32 | None]:
    """The costs (n,) of each segment's rows, 1 where unknown; None where no row has one."""
    return [_costs(opened.reader.costs) for opened in snapshot.pool]


def _costs(column: F32) -> F32 | None:
    if not column.size or column.strides == (0,):  # one repeated NaN: no item has a cost
        return None
    return np.where(np.isfinite(column) & (column > 0), column, np.float32(1)).astype(np.float32)


def candidates(snapshot: Snapshot, ranked: Ranked, arm: Arm) -> list[Candidate]:
    """The ranked rows as items, in the same order."""
    found: list[Candidate | None] = [None] * len(ranked.row)
    for index, opened in enumerate(snapshot.pool):
        at = np.flatnonzero(ranked.block == index).tolist()
        rows = ranked.row[at]
        names = opened.reader.item_ids(rows)
        lives = opened.reader.incarnations[rows]
        for place, item_id, incarnation, row in zip(at, names, lives, rows, strict=True):
            found[place] = Candidate(
                item_id=item_id,
                incarnation=int(incarnation),
                segment=index,
                row=int(row),
                score=float(ranked.score[place]),
                arm=arm,
                components={n: float(part[place]) for n, part in ranked.components.items()},
            )
    return [candidate for candidate in found if candidate is not None]
