"""Where the pool pass happens: in this process, or spread over many.

Every implementation passes tests/contract/test_scoring.py and gives the same answer as one
thread would.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Ranked
from alservice.domain.learner import LinearHead
from alservice.domain.strategy import Scoring, Selecting

F32 = NDArray[np.float32]


class PoolScoring(Protocol):
    """Walks the blocks of a pool on all cores."""

    def rank(
        self,
        strategy: Scoring,
        blocks: Sequence[Block],
        head: LinearHead,
        count: int,
        seed: int,
        cancel: CancelFlag,
    ) -> Ranked:
        """The `count` best rows that no block excludes, best first. Raises Cancelled."""

    def select(
        self,
        strategy: Selecting,
        blocks: Sequence[Block],
        anchors: F32,
        count: int,
        seed: int,
        parameters: dict[str, float],
        cancel: CancelFlag,
    ) -> Ranked:
        """What the strategy selects. Raises Cancelled."""

    def draw(self, blocks: Sequence[Block], count: int, seed: int, cancel: CancelFlag) -> Ranked:
        """A uniform sample of the rows that no block excludes."""

    def gather(
        self, blocks: Sequence[Block], block: NDArray[np.int64], row: NDArray[np.int64]
    ) -> F32:
        """The vectors of these rows, (m, d) float32."""

    def probabilities(self, vectors: F32, head: LinearHead) -> F32:
        """Class probabilities, (m, C) float32."""
