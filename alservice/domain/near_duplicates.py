"""Groups of items that are the same but for noise, from the pool's neighbour graph."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]
F32 = NDArray[np.float32]

#: Of the median distance between neighbours: what is closer is the same item twice.
NEAR: Final = 1e-3


def near_duplicates(neighbours: I32, distances: F32, twins: I32) -> I32:
    """The lowest row (N,) of each row's group; the row itself where it is alone.

    Rows are in one group if a chain of neighbours (N, k) leads from one to the other whose
    `distances` (N, k) are all below `NEAR` times the median of those that are neither 0 nor
    infinite; or if they are equal: `twins` (N,) is the first row equal to each. (Of many equal
    rows each has only some others as neighbours, and no chain need join them.)
    """
    parent = np.arange(len(neighbours), dtype=np.int32)
    near = (distances < _threshold(distances)) | (distances == 0)
    near &= neighbours >= 0
    row, column = np.nonzero(near)
    left = np.concatenate([row.astype(np.int32), parent])
    right = np.concatenate([neighbours[row, column], twins])
    return _joined(parent, left, right)


def count_near_duplicates(duplicate_of: I32) -> int:
    """How many rows repeat an earlier one."""
    return int(np.count_nonzero(duplicate_of != np.arange(len(duplicate_of))))


def _threshold(distances: F32) -> float:
    told = distances[np.isfinite(distances) & (distances > 0)]
    return NEAR * float(np.median(told)) if len(told) else 0.0


def _joined(parent: I32, left: I32, right: I32) -> I32:
    """Union by the lower root, path halving by pointer jumping: all edges at once."""
    while True:
        a, b = parent[left], parent[right]
        apart = a != b
        if not apart.any():
            return parent
        left, right, a, b = left[apart], right[apart], a[apart], b[apart]
        np.minimum.at(parent, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(grand := parent[parent], parent):
            parent = grand
