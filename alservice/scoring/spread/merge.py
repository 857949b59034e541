"""Parts put together: the answer is that of one pass over all blocks."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, Ranked, keyed_hash
from alservice.domain.pool_view import join, take
from alservice.ports.scoring import Represented

_NONE = Ranked(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))


def merge_ranked(
    parts: Sequence[Ranked], blocks: Sequence[Block], count: int, seed: int
) -> Ranked:
    """The `count` best of all, by the order of the core: score, keyed hash, block, row.

    Each part holds the `count` best of its own blocks, or all of them.
    """
    rows = reduce(join, parts) if parts else _NONE
    tie = keyed_hash(_hashes(blocks, rows), seed)
    # -0.0 ties with 0.0 here as it does there.
    order = np.lexsort((rows.row, rows.block, tie, -rows.score))[:count]
    parts_of = {name: column[order] for name, column in rows.components.items()}
    return take(rows, order, rows.score[order], **parts_of)


def _hashes(blocks: Sequence[Block], rows: Ranked) -> NDArray[np.uint64]:
    out = np.empty(len(rows.row), np.uint64)
    for number in np.unique(rows.block):
        at = rows.block == number
        out[at] = blocks[number].id_hash[rows.row[at]]
    return out


def merge_represented(parts: Sequence[Represented], picks: int, most: int) -> Represented:
    """Counts added up, and the `most` nearest of each pick; ties by block and row."""
    rows = reduce(join, (part.rows for part in parts)) if parts else _NONE
    whose = np.concatenate([*(part.pick for part in parts), np.zeros(0, np.int64)])
    order = np.lexsort((rows.row, rows.block, rows.score, whose))
    sorted_ = whose[order]
    place = np.arange(len(order)) - np.searchsorted(sorted_, sorted_)
    kept = order[place < most]
    counts = sum((part.counts for part in parts), np.zeros(picks, np.int64))
    return Represented(counts, whose[kept], take(rows, kept, rows.score[kept]))
