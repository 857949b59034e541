"""The pool pass in this process: the Rust core on this machine's own cores."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Cancelled, Engine, NearestState, Ranked
from alservice.domain.head import Head, LinearHead
from alservice.domain.pool_view import PoolView, join
from alservice.domain.shortlist import open_count
from alservice.domain.strategy import Scoring, Selecting
from alservice.ports.scoring import Pass, Represented
from alservice.scoring.nearest_states import NearestStates
from alservice.scoring.represented import represented
from alservice.scoring.scored import PoolScores

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LocalScoring:
    """A PoolScoring over one Engine."""

    engine: Engine
    nearest: NearestStates = field(default_factory=NearestStates)

    def choose(self, ask: Pass) -> Ranked:
        """Distinct open rows, best first; fewer only if there are fewer. Raises Cancelled."""
        if ask.strategy is None:
            raise TypeError("a pass needs a strategy")
        if isinstance(ask.strategy, Scoring):
            return self._scores(ask, ask.strategy).top(ask.count)
        picks = self._select(ask, ask.strategy)
        return self._complete(ask, picks) if ask.strategy.fills else picks

    def draw(self, blocks: Sequence[Block], count: int, seed: int, cancel: CancelFlag) -> Ranked:
        """A uniform sample of the rows that no block excludes. Raises Cancelled."""
        return self.engine.random_top_k(blocks, count, seed, cancel)

    def gather(
        self,
        blocks: Sequence[Block],
        block: NDArray[np.int64],
        row: NDArray[np.int64],
        cancel: CancelFlag | None = None,
    ) -> F32:
        """The vectors of these rows, (m, d) float32. Raises Cancelled, before it begins."""
        if cancel is not None and cancel.cancelled:
            raise Cancelled
        return self.engine.gather(blocks, block, row)

    def probabilities(self, vectors: F32, head: Head) -> F32:
        """Class probabilities, (m, C) float32."""
        if isinstance(head, LinearHead):
            return self.engine.probabilities(vectors, head.weights, head.bias)
        return head.probabilities(vectors)

    def represented(
        self, blocks: Sequence[Block], picks: Ranked, most: int, cancel: CancelFlag
    ) -> Represented:
        """Which open rows have which of the picks nearest, and how many. Raises Cancelled."""
        return represented(self.engine, blocks, picks, most, cancel)

    def _scores(self, ask: Pass, scoring: Scoring) -> PoolScores:
        if ask.head is None:
            raise AssertionError(f"{scoring.name} needs a model")
        return PoolScores(
            strategy=scoring,
            blocks=ask.blocks,
            head=ask.head,
            engine=self.engine,
            seed=ask.seed,
            cancel=ask.cancel,
            costs=ask.costs,
            cost_exponent=ask.cost_exponent,
        )

    def _select(self, ask: Pass, strategy: Selecting) -> Ranked:
        with self._nearest(ask, strategy) as nearest:
            return strategy.select(self._view(ask, nearest), ask.count)

    def _nearest(
        self, ask: Pass, strategy: Selecting
    ) -> AbstractContextManager[NearestState | None]:
        return self.nearest.state_of(ask) if strategy.uses_nearest else nullcontext()

    def _view(self, ask: Pass, nearest: NearestState | None) -> PoolView:
        return PoolView(
            blocks=ask.blocks,
            anchors=ask.anchors,
            anchor_classes=ask.anchor_classes,
            class_count=ask.class_count,
            seed=ask.seed,
            engine=self.engine,
            cancel=ask.cancel,
            parameters=ask.parameters,
            scored=self._scores(ask, ask.scores) if ask.scores and ask.head else None,
            head=ask.head,
            penalty=ask.penalty,
            costs=ask.costs,
            index=ask.index,
            nearest=nearest,
            labelled=len(ask.labelled[0]),
        )

    def _complete(self, ask: Pass, picks: Ranked) -> Ranked:
        """The picks, and uniform draws behind them where the strategy had too few."""
        missing = ask.count - len(picks.row)
        if missing <= 0:
            return picks
        rest = [
            replace(block, excluded=_without(block, picks.row[picks.block == number]))
            for number, block in enumerate(ask.blocks)
        ]
        drawn = self.draw(rest, missing, ask.seed, ask.cancel)
        return join(picks, _with_propensity(drawn, picks, rest))


def _with_propensity(drawn: Ranked, picks: Ranked, rest: Sequence[Block]) -> Ranked:
    """Uniform draws say how probable they were, where the picks before them do."""
    if "propensity" not in picks.components or not len(drawn.row):
        return drawn
    share = np.full(len(drawn.row), len(drawn.row) / open_count(rest), np.float32)
    return replace(drawn, components={"propensity": share})


def _without(block: Block, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The block's bitmap with these rows excluded too."""
    if not len(rows):
        return block.excluded
    excluded = block.excluded.copy()
    np.bitwise_or.at(excluded, rows // 8, (1 << (rows % 8)).astype(np.uint8))
    return excluded
