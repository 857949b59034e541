"""Greedy experimental design: the rows that teach a linear model the most.

Information is a sum of `w x x'` over rows x with weights w. Results are the same for any number
of threads. Every function raises ValueError for shapes that disagree, numbers that are not finite
or negative weights, and Cancelled.
"""

import numpy as np
from numpy.typing import NDArray

from alservice.core import _native
from alservice.core._native import CancelFlag
from alservice.core.arrays import checked, checked_count
from alservice.core.engine import Engine

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


def outer_sum(engine: Engine, vectors: F32, weights: F32, cancel: CancelFlag | None = None) -> F64:
    """`X' diag(w) X` (d, d) of vectors X (n, d) and weights w (n,), which may be negative.

    Products are rounded to float32 in groups of 256 rows, and these summed in float64.
    """
    return _native.outer_sum(engine.native, *_rows(vectors, weights), cancel)


def bait(
    engine: Engine,
    vectors: F32,
    weights: F32,
    inverse: F64,
    fisher: F64,
    k: int,
    over: int = 2,
    cancel: CancelFlag | None = None,
) -> I64:
    """Pick min(k, n) of vectors (n, d) that make `tr((M + sum w x x')^-1 F)` small.

    BAIT (Ash et al. 2021) in its exact incremental form: `over * k` picks, each of which lowers
    the trace most, the first of equals; then all but k are taken back, each the one whose loss
    raises it least, the last of equals. In the order of picking. `inverse` is `M^-1` and
    `fisher` F, both (d, d), symmetric; M must be positive definite (ValueError).

    Rows are kept a second time, in float32, in the coordinates in which M is the identity.
    """
    return _native.bait(
        engine.native,
        *_rows(vectors, weights),
        checked("inverse", inverse, np.float64, 2),
        checked("fisher", fisher, np.float64, 2),
        checked_count("k", k),
        checked_count("over", over),
        cancel,
    )


def max_det(
    engine: Engine,
    vectors: F32,
    weights: F32,
    inverse: F64,
    k: int,
    cancel: CancelFlag | None = None,
) -> tuple[I64, F32]:
    """Pick up to k of vectors (n, d) that make `det(M + sum w x x')` large: index and gain.

    Each pick has the largest gain `ln(1 + w x' M^-1 x)`, the first of equals, and joins M (Wynn
    1970; the greedy MAP of a determinantal point process, Chen et al. 2018). Picking ends early
    once nothing gains anything. `inverse` and memory as in `bait`.
    """
    return _native.max_det(
        engine.native,
        *_rows(vectors, weights),
        checked("inverse", inverse, np.float64, 2),
        checked_count("k", k),
        cancel,
    )


def _rows(vectors: object, weights: object) -> tuple[F32, F32]:
    return checked("vectors", vectors, np.float32, 2), checked("weights", weights, np.float32, 1)
