"""A PoolScoring over shards: exact where rows can be looked at one by one, or few are enough.

Scoring strategies, samples and shortlists are merged from the parts by the order of the core, so
they are what one pass over all would give; and so is every strategy that looks at these alone.
A strategy that says so chooses in two rounds: each shard picks from its own rows, then the same
strategy picks among what the shards picked (GreeDi: Mirzasoleiman, Karbasi, Sarkar & Krause,
Distributed Submodular Maximization, NeurIPS 2013; for k-center, Malkomes, Kusner, Chen, Weinberger
& Moseley, Fast Distributed k-Center Clustering with Outliers on Massive Data, NeurIPS 2015). What
is left reads the files that this process has mapped, as without shards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, NearestState, Ranked
from alservice.domain.pool_view import PoolView
from alservice.domain.strategy import Scoring, Selecting
from alservice.ports.scoring import Pass, Represented
from alservice.scoring.local import LocalScoring
from alservice.scoring.scored import PoolScores
from alservice.scoring.spread.merge import merge_ranked, merge_represented
from alservice.scoring.spread.shards import Shards
from alservice.scoring.spread.spread import Spread
from alservice.scoring.spread.tasks import Choose, Represent, Top

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
#: What travels of a Pass in the first round; the blocks and the flag are the shard's own.
_TRAVELS: Final = (
    "strategy",
    "count",
    "seed",
    "anchors",
    "anchor_classes",
    "labelled",
    "pool_key",
    "class_count",
    "parameters",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scores(PoolScores):
    """Scores whose ranking is spread."""

    spread: Spread

    def top(self, count: int) -> Ranked:
        """The `count` best open rows, best first; all if there are fewer. Raises Cancelled."""
        task = Top(self.strategy, self.head, count, self.seed, self.cost_exponent)
        costs = self.costs if self.cost_exponent > 0 else ()
        found = self.spread.run(task, self.blocks, costs, self.cancel or CancelFlag())
        parts = [part for part in found if isinstance(part, Ranked)]
        merged = merge_ranked(parts, self.blocks, count, self.seed)
        return replace(merged, components={self.name: merged.score})


@dataclass(frozen=True, slots=True, kw_only=True)
class _View(PoolView):
    """A pool whose samples and vectors come from the shards."""

    spread: Spread

    def sample(self, count: int) -> Ranked:
        """Open rows drawn uniformly, in the order of their keyed hashes."""
        return self.spread.draw(self.blocks, count, self.seed, self.cancel or CancelFlag())

    def vectors(self, rows: Ranked) -> F32:
        """The vectors (m, d) of these rows."""
        cancel = self.cancel or CancelFlag()
        return self.spread.gather(self.blocks, rows.block, rows.row, cancel)


@dataclass(frozen=True, slots=True)
class SpreadScoring(LocalScoring):
    """A PoolScoring over shards; blocks that are no segment's, or inline, are walked here."""

    shards: Shards = field(kw_only=True)

    def draw(self, blocks: Sequence[Block], count: int, seed: int, cancel: CancelFlag) -> Ranked:
        """A uniform sample of the rows that no block excludes. Raises Cancelled."""
        return self._spread.draw(blocks, count, seed, cancel)

    def gather(
        self, blocks: Sequence[Block], block: I64, row: I64, cancel: CancelFlag | None = None
    ) -> F32:
        """The vectors of these rows, (m, d) float32. Raises Cancelled."""
        return self._spread.gather(blocks, block, row, cancel or CancelFlag())

    def represented(
        self, blocks: Sequence[Block], picks: Ranked, most: int, cancel: CancelFlag
    ) -> Represented:
        """Which open rows have which of the picks nearest, and how many. Raises Cancelled."""
        centres = self._spread.gather(blocks, picks.block, picks.row, cancel)
        task = Represent(picks.block, picks.row, centres, most)
        found = self._spread.run(task, blocks, (), cancel)
        parts = [part for part in found if isinstance(part, Represented)]
        return merge_represented(parts, len(picks.row), most)

    @property
    def _spread(self) -> Spread:
        return Spread(self.shards, LocalScoring(self.engine, self.nearest))

    def _scores(self, ask: Pass, scoring: Scoring) -> PoolScores:
        scores = LocalScoring._scores(self, ask, scoring)  # noqa: SLF001 its own, by inheritance
        return _Scores(**_fields(scores), spread=self._spread)

    def _view(self, ask: Pass, nearest: NearestState | None) -> PoolView:
        view = LocalScoring._view(self, ask, nearest)  # noqa: SLF001
        return _View(**_fields(view), spread=self._spread)

    def _select(self, ask: Pass, strategy: Selecting) -> Ranked:
        if not strategy.two_rounds(ask.parameters):
            return LocalScoring._select(self, ask, strategy)  # noqa: SLF001
        question = {name: getattr(ask, name) for name in _TRAVELS}
        found = self._spread.run(Choose(question), ask.blocks, (), ask.cancel)
        parts = [part for part in found if isinstance(part, tuple)]
        if len(parts) == 1:
            picks: Ranked = parts[0][0]
            return picks
        return self._second_round(ask, parts)

    def _second_round(self, ask: Pass, parts: Sequence[tuple[Ranked, F32]]) -> Ranked:
        """The strategy's picks among what the parts picked, which is a block of its own."""
        if not parts:
            return self._spread.local.choose(replace(ask, blocks=()))
        block = np.concatenate([rows.block for rows, _ in parts])
        row = np.concatenate([rows.row for rows, _ in parts])
        hashes = np.array([ask.blocks[b].id_hash[r] for b, r in zip(block, row, strict=True)])
        union = Block(
            vectors=np.concatenate([vectors for _, vectors in parts]),
            id_hash=hashes.astype(np.uint64),
            excluded=np.zeros((len(row) + 7) // 8, np.uint8),
        )
        again = replace(ask, blocks=[union], costs=(), index=None, pool_key="")
        picks = LocalScoring(self.engine).choose(again)
        return replace(picks, block=block[picks.row], row=row[picks.row])


def _fields(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}
