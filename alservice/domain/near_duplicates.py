"""Groups of items that are the same but for noise, from the pool's neighbour graph."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import CancelFlag, Cancelled

I32 = NDArray[np.int32]
F32 = NDArray[np.float32]

#: Of the median distance between neighbours: what is closer is the same item twice.
NEAR: Final = 1e-3
#: Distances that the median is taken of, at most; pairs that are looked at in one step. So the
#: memory beside the arrays is bounded.
MEDIAN_OF: Final = 2**21
PAIRS: Final = 2**22


def near_duplicates(
    neighbours: I32, distances: F32, twins: I32, cancel: CancelFlag | None = None
) -> I32:
    """The lowest row (N,) of each row's group; the row itself where it is alone.

    Rows are in one group if a chain of neighbours (N, k) leads from one to the other whose
    `distances` (N, k) are all below `NEAR` times the median of those that are neither 0 nor
    infinite, taken over evenly spaced rows where there are many; or if they are equal: `twins`
    (N,) is the first row equal to each. (Of many equal rows each has only some others as
    neighbours, and no chain need join them.) Raises Cancelled.
    """
    rows = np.arange(len(neighbours), dtype=np.int32)
    parent = _joined(rows.copy(), rows, twins)
    near = _threshold(distances)
    step = max(1, PAIRS // max(1, neighbours.shape[1]))
    for start in range(0, len(neighbours), step):
        if cancel is not None and cancel.cancelled:
            raise Cancelled
        some, apart = neighbours[start : start + step], distances[start : start + step]
        row, column = np.nonzero(((apart < near) | (apart == 0)) & (some >= 0))
        if len(row):
            parent = _joined(parent, (row + start).astype(np.int32), some[row, column])
    return parent


def count_near_duplicates(duplicate_of: I32) -> int:
    """How many rows repeat an earlier one."""
    return int(np.count_nonzero(duplicate_of != np.arange(len(duplicate_of))))


def _threshold(distances: F32) -> float:
    some = distances[:: max(1, distances.size // MEDIAN_OF)]
    told = some[np.isfinite(some) & (some > 0)]
    return NEAR * float(np.median(told)) if len(told) else 0.0


def _joined(parent: I32, left: I32, right: I32) -> I32:
    """Union by the lower root, path halving by pointer jumping: all edges at once.

    Every row of `parent` must point at its root.
    """
    while True:
        a, b = parent[left], parent[right]
        apart = a != b
        if not apart.any():
            return parent
        left, right, a, b = left[apart], right[apart], a[apart], b[apart]
        np.minimum.at(parent, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(grand := parent[parent], parent):
            parent = grand
