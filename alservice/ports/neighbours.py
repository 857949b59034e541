"""What is worth finding once in a pool and keeping: neighbours and clusters.

Every implementation passes tests/contract/test_pool_indexing.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag

Report = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The graph of nearest neighbours.

    `numbers` (N, k) int32 are rows, nearest first, ties by the lower row, never the row itself;
    -1 where there are fewer. `distances` (N, k) float32 are Euclidean and exact, infinite where
    there is none. `recall` is the share of the true neighbours that were found, on a sample;
    `method` is how they were searched, in plain words.
    """

    numbers: NDArray[np.int32]
    distances: NDArray[np.float32]
    recall: float
    method: str


@dataclass(frozen=True, slots=True)
class Clusters:
    """`assignment` (N,) int32 is the nearest of the `centres` (K, d) float32, K <= N."""

    assignment: NDArray[np.int32]
    centres: NDArray[np.float32]


class PoolIndexing(Protocol):
    """Works at the pace of the background: on half of the threads, a few thousand rows a time.

    The memory it takes is bounded, whatever the pool: what would not fit is refused.

    Rows are numbered through the blocks in their order; `excluded` is not looked at. `report`
    gets a share in [0, 1] of this one call, and may raise to stop it. All methods raise Cancelled
    soon after the flag is set.
    """

    def check(self, rows: int, dimension: int, count: int) -> None:
        """Raise IndexTooLarge if a build with `count` neighbours would not fit into memory."""

    def neighbours(
        self, blocks: Sequence[Block], count: int, report: Report, cancel: CancelFlag
    ) -> Neighbours:
        """The `count` nearest neighbours of every row. Raises IndexTooLarge."""

    def clusters(
        self, blocks: Sequence[Block], seed: int, report: Report, cancel: CancelFlag
    ) -> Clusters:
        """One cluster for about a hundred rows, between 8 and 500 of them."""

    def twins(
        self, blocks: Sequence[Block], report: Report, cancel: CancelFlag
    ) -> NDArray[np.int32]:
        """The first row (N,) whose vector equals that of each row; the row itself if none does."""
