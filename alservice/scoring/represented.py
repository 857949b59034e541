"""What each pick stands for: the open rows that have no other pick nearer to them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Engine, Ranked
from alservice.core.clustering import nearest_centres
from alservice.domain.pool_view import join
from alservice.ports.scoring import Represented

I64 = NDArray[np.int64]


def represented(
    engine: Engine, blocks: Sequence[Block], picks: Ranked, most: int, cancel: CancelFlag
) -> Represented:
    """The fan-out of `picks`: counts, and the `most` nearest rows of each. One pass.

    Picks themselves are not counted. Raises Cancelled.
    """
    centres = engine.gather(blocks, picks.block, picks.row)
    return nearest_open(engine, blocks, centres, (picks.block, picks.row), most, cancel)


def nearest_open(
    engine: Engine,
    blocks: Sequence[Block],
    centres: NDArray[np.float32],
    own: tuple[I64, I64],
    most: int,
    cancel: CancelFlag,
) -> Represented:
    """The same for given vectors (k, d) of picks.

    `own` are those of the picks that are rows here: their blocks and rows.
    """
    k = len(centres)
    counts = np.zeros(k, np.int64)
    whose = np.zeros(0, np.int64)
    rows = _rows(0, whose, np.zeros(0))
    for number, block in enumerate(blocks):
        if not k or not len(block.id_hash):
            continue
        pick, squared = nearest_centres(engine, block.vectors, centres, cancel)
        free = np.unpackbits(block.excluded, count=len(pick), bitorder="little") == 0
        free[own[1][own[0] == number]] = False
        mine = np.flatnonzero(free)
        counts += np.bincount(pick[mine], minlength=k)
        rows = join(rows, _rows(number, mine, np.sqrt(squared[mine])))
        whose, rows = _nearest(np.concatenate([whose, pick[mine]]), rows, most)
    return Represented(counts, whose, rows)


def _rows(block: int, row: I64, distance: NDArray[np.floating]) -> Ranked:
    return Ranked(
        np.full(len(row), block, np.int64), row.astype(np.int64), distance.astype(np.float32)
    )


def _nearest(whose: I64, rows: Ranked, most: int) -> tuple[I64, Ranked]:
    """The `most` rows of least score of each pick, sorted by pick and score."""
    order = np.lexsort((rows.score, whose))
    sorted_ = whose[order]
    place = np.arange(len(order)) - np.searchsorted(sorted_, sorted_)
    kept = order[place < most]
    return whose[kept], Ranked(rows.block[kept], rows.row[kept], rows.score[kept])
