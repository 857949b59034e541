"""What is made once from a pool and kept between rounds: neighbours, clusters, duplicates.

Immutable, made by an operation, named in every batch that used it, so that replicas answer alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolIndex:
    """Arrays over all N rows of the pool, in the order of its blocks.

    A row's number is the offset of its block plus its place in it. It is used only while the
    pool has the very segments it was made from; items deleted since are rows like any other,
    which the blocks exclude.
    """

    artefact_id: str
    offsets: NDArray[np.int64]  # (blocks + 1,)
    neighbours: NDArray[np.int32]  # (N, k), nearest first, never the row itself; -1: none
    distances: NDArray[np.float32]  # (N, k), Euclidean; infinite where there is none
    cluster: NDArray[np.int32]  # (N,)
    centres: NDArray[np.float32]  # (K, d)
    duplicate_of: NDArray[np.int32]  # (N,), the first of its near-duplicates; itself if alone
    recall: float  # share of true neighbours found, on an exact sample

    def numbers(self, block: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers (m,) of these rows."""
        return self.offsets[block] + row

    def places(self, number: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Block and row (m,) of these numbers."""
        block = np.searchsorted(self.offsets, number, side="right") - 1
        return block.astype(np.int64), (number - self.offsets[block]).astype(np.int64)
