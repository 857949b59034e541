"""Greedy coverage: which candidates, taken together, are most like the most of the rows.

One engine serves facility location, herding, uncertainty herding and, with balls, ProbCover.
Results are the same for any number of threads.
"""

import numpy as np
from numpy.typing import NDArray

from alservice.core import _native
from alservice.core._native import CancelFlag
from alservice.core.arrays import checked, checked_count
from alservice.core.engine import Engine

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]


def herd(  # noqa: PLR0913, PLR0917 -- two matrices, two columns, and how to compare them
    engine: Engine,
    candidates: F32,
    rows: F32,
    weights: F32,
    covered: F32,
    kernel: str,
    scale: float,
    k: int,
    cancel: CancelFlag | None = None,
) -> tuple[I64, F32]:
    """Pick up to k of the candidates (m, d) that cover the rows (n, d) best: index and gain.

    Each pick j has the largest gain `sum_i weights_i max(0, s_ij - covered_i)`, the first of
    equals, and then raises `covered` (n,) to `s_ij` (Nemhauser, Wolsey and Fisher 1978; lazily,
    Minoux 1978, with the same result). Picking ends early once nothing gains anything. The
    similarity s by `kernel`: "rbf" `exp(-|x - y|^2 / scale^2)`, taken as 0 below 1e-37 (Bae et
    al. 2024); "ball" 1 where `|x - y| <= scale`, else 0 (Yehuda et al. 2022); "dot" `max(0, xy)`,
    for which scale means nothing. Weights (n,) >= 0.

    Memory: the vectors three times, and all similarities, 4 m n bytes (of balls m n bits), where
    these are at most 2 GB, in all calls of the process together; else up to 320 MB of them, and
    the time to work out the others again. Raises ValueError for shapes that disagree, numbers
    that are not finite, or a scale out of range; Cancelled.
    """
    return _native.herd(
        engine.native,
        checked("candidates", candidates, np.float32, 2),
        checked("rows", rows, np.float32, 2),
        checked("weights", weights, np.float32, 1),
        checked("covered", covered, np.float32, 1),
        kernel,
        float(scale),
        checked_count("k", k),
        cancel,
    )
