"""A pool as one scoring strategy sees it: ranked, scored as a whole, or vector by vector."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Cancelled, Engine, Ranked, f32_from_bf16
from alservice.domain.head import Head, LinearHead
from alservice.domain.strategy import Scoring

F32 = NDArray[np.float32]
_ROWS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolScores:
    """Scores ÷ cost over blocks; the fused kernel of the core wherever it applies.

    `costs` holds a column per block, or None where every cost is 1.
    """

    strategy: Scoring
    blocks: Sequence[Block]
    head: Head
    engine: Engine
    seed: int
    cancel: CancelFlag | None
    costs: Sequence[F32 | None] = ()
    cost_exponent: float = 0.0

    @property
    def name(self) -> str:
        """The scoring strategy."""
        return self.strategy.name

    def top(self, count: int) -> Ranked:
        """The `count` best open rows, best first; all if there are fewer. Raises Cancelled."""
        if isinstance(self.head, LinearHead) and not self._costly:
            ranked = self.engine.score_top_k(
                self.blocks,
                self.head.weights,
                self.head.bias,
                self.strategy.measure,
                count,
                self.seed,
                self.cancel,
            )
        else:
            ranked = self.engine.top_k(self.every(), self.blocks, count, self.seed, self.cancel)
        return replace(ranked, components={self.name: ranked.score})

    def every(self) -> list[F32]:
        """The score of each row (n_i,), open or not, block by block. Raises Cancelled."""
        return [self._divided(number, self._scores(b)) for number, b in enumerate(self.blocks)]

    def of(self, vectors: F32) -> F32:
        """The scores (n,) of these vectors, not divided by any cost."""
        if isinstance(self.head, LinearHead):
            return self.engine.measure_scores(
                vectors, self.head.weights, self.head.bias, self.strategy.measure
            )
        return self.strategy.score(self.head.probabilities(vectors))

    def worth(self, rows: Ranked, vectors: F32) -> F32:
        """The scores (n,) of these rows, with these vectors, divided by their cost."""
        scores = self.of(vectors).copy()
        for number in np.unique(rows.block) if self._costly else ():
            column = self.costs[number]
            if column is not None:
                at = rows.block == number
                scores[at] /= column[rows.row[at]] ** self.cost_exponent
        return scores

    @property
    def _costly(self) -> bool:
        return self.cost_exponent > 0 and any(column is not None for column in self.costs)

    def _divided(self, number: int, scores: F32) -> F32:
        column = self.costs[number] if self._costly else None
        if column is None:
            return scores
        return np.asarray(scores / column**self.cost_exponent, np.float32)

    def _scores(self, block: Block) -> F32:
        if isinstance(self.head, LinearHead):
            self._check()
            return self.engine.measure_scores(
                block.vectors, self.head.weights, self.head.bias, self.strategy.measure
            )
        scores = np.empty(len(block.vectors), np.float32)
        for start in range(0, len(scores), _ROWS):
            self._check()
            part = block.vectors[start : start + _ROWS]
            vectors = f32_from_bf16(part) if part.dtype == np.uint16 else part.astype(np.float32)
            scores[start : start + _ROWS] = self.of(vectors)
        return scores

    def _check(self) -> None:
        if self.cancel is not None and self.cancel.cancelled:
            raise Cancelled
