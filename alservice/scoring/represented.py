"""What each pick stands for: the open rows that have no other pick nearer to them."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from alservice.core import Block, CancelFlag, Engine, Ranked
from alservice.core.clustering import nearest_centres
from alservice.ports.scoring import Represented


def represented(
    engine: Engine, blocks: Sequence[Block], picks: Ranked, most: int, cancel: CancelFlag
) -> Represented:
    """The fan-out of `picks`: counts, and the `most` nearest rows of each. One pass.

    Picks themselves are not counted. Raises Cancelled.
    """
    k = len(picks.row)
    counts = np.zeros(k, np.int64)
    found: list[list[Ranked]] = [[] for _ in range(k)]
    centres = engine.gather(blocks, picks.block, picks.row)
    for number, block in enumerate(blocks):
        if not k or not len(block.id_hash):
            continue
        pick, squared = nearest_centres(engine, block.vectors, centres, cancel)
        open_ = np.unpackbits(block.excluded, count=len(pick), bitorder="little") == 0
        open_[picks.row[picks.block == number]] = False
        counts += np.bincount(pick[open_], minlength=k)
        for each in range(k):
            found[each].append(
                _nearest(number, np.flatnonzero(open_ & (pick == each)), squared, most)
            )
    return Represented(counts, tuple(_best(parts, most) for parts in found))


_NONE: Final = Ranked(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))


def _nearest(number: int, rows: np.ndarray, squared: np.ndarray, most: int) -> Ranked:
    order = rows[np.argsort(squared[rows], kind="stable")[:most]]
    return Ranked(
        np.full(len(order), number, np.int64), order.astype(np.int64), np.sqrt(squared[order])
    )


def _best(parts: Sequence[Ranked], most: int) -> Ranked:
    if not parts:
        return _NONE
    block, row, score = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("block", "row", "score")
    )
    order = np.argsort(score, kind="stable")[:most]
    return Ranked(block[order], row[order], score[order])
