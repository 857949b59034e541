"""Batches of diverse gradients, drawn over the whole pool without making a gradient."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alservice.core import _native
from alservice.core._native import CancelFlag
from alservice.core.arrays import checked, checked_count, checked_u64
from alservice.core.blocks import Block, Ranked, checked_blocks
from alservice.core.engine import Engine

F32 = NDArray[np.float32]


def badge(  # noqa: PLR0913, PLR0917 -- a pool, a head, and what is chosen already
    engine: Engine,
    blocks: Sequence[Block],
    weights: F32,
    bias: F32,
    anchors: F32,
    k: int,
    seed: int,
    origin_anchor: bool,  # noqa: FBT001
    cancel: CancelFlag | None = None,
) -> Ranked:
    """Draw k rows whose gradients are long and far apart (BADGE, Ash et al. 2020).

    The gradient of a row x is `(p - e) [x; 1]'`, p the softmax of the head's logits, `weights`
    (C, d) and `bias` (C,), and e its most probable class. Rows are drawn one by one, in
    proportion to the squared distance (the score) to the nearest gradient among those of the
    anchors (m, d) and of earlier draws and, with `origin_anchor`, zero. With neither anchors nor
    origin the first pick has the longest gradient, as in the authors' code, and its squared norm
    for a score. Rows at distance 0 follow by keyed hash, so that there are never fewer than
    min(k, available).

    The same rows whatever the number of threads and the cut into blocks. Memory: 4 (C + 3) bytes
    per row. Raises ValueError for anchors or a head that are not finite, or shapes that disagree;
    Cancelled.
    """
    return Ranked(
        *_native.badge(
            engine.native,
            checked_blocks(blocks),
            checked("weights", weights, np.float32, 2),
            checked("bias", bias, np.float32, 1),
            checked("anchors", anchors, np.float32, 2),
            checked_count("k", k),
            checked_u64("seed", seed),
            bool(origin_anchor),
            cancel,
        )
    )
