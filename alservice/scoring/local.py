"""The pool pass in this process: the Rust core on this machine's own cores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Engine, Ranked
from alservice.domain.learner import LinearHead
from alservice.domain.strategy import PoolView, Scoring, Selecting

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LocalScoring:
    """A PoolScoring over one Engine."""

    engine: Engine

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
        return self.engine.score_top_k(
            blocks, head.weights, head.bias, strategy.measure, count, seed, cancel
        )

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
        view = PoolView(
            blocks=blocks,
            anchors=anchors,
            seed=seed,
            engine=self.engine,
            cancel=cancel,
            parameters=parameters,
        )
        return strategy.select(view, count)

    def draw(self, blocks: Sequence[Block], count: int, seed: int, cancel: CancelFlag) -> Ranked:
        """A uniform sample of the rows that no block excludes. Raises Cancelled."""
        return self.engine.random_top_k(blocks, count, seed, cancel)

    def gather(
        self, blocks: Sequence[Block], block: NDArray[np.int64], row: NDArray[np.int64]
    ) -> F32:
        """The vectors of these rows, (m, d) float32."""
        return self.engine.gather(blocks, block, row)

    def probabilities(self, vectors: F32, head: LinearHead) -> F32:
        """Class probabilities, (m, C) float32."""
        return self.engine.probabilities(vectors, head.weights, head.bias)
