"""Run an ensemble: its members choose from random subsets, the last one from what they chose.

Whatever the size of the pool, no more than a sample of it is looked at; so is REFINE (Huseljic
et al., 2025, arXiv:2511.22344), whose progressive filtering this is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, Ranked, keyed_hash
from alservice.domain.pool_view import take
from alservice.domain.strategy import Ensemble, Need, Scoring, Selecting, Strategy
from alservice.ports.scoring import Pass, PoolScoring

I64 = NDArray[np.int64]
_SAMPLE: Final = 50_000
_UNION: Final = 10_000
_KEPT_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class _Sample:
    """Some open rows in memory: where they are in the pool, and as a block of their own."""

    rows: Ranked
    vectors: NDArray[np.float32]
    hashes: NDArray[np.uint64]
    costs: NDArray[np.float32]

    def take(self, at: I64) -> "_Sample":
        rows = take(self.rows, at, self.rows.score[at])
        return _Sample(rows, self.vectors[at], self.hashes[at], self.costs[at])

    def subset(self, count: int, key: int) -> I64:
        """`count` positions drawn uniformly, in ascending order."""
        order = np.argsort(keyed_hash(self.hashes, key), kind="stable")
        return np.sort(order[:count]).astype(np.int64)

    def ask(self, ask: Pass) -> Pass:
        """The same question about this sample alone."""
        empty = np.zeros((len(self.vectors) + 7) // 8, np.uint8)
        block = Block(self.vectors, self.hashes, empty)
        return replace(ask, blocks=[block], costs=[self.costs], index=None, pool_key="")


@dataclass(frozen=True, slots=True)
class ChooseTogether:
    """Runs ensembles."""

    scoring: PoolScoring
    strategies: Mapping[str, Strategy]

    def __call__(self, ensemble: Ensemble, ask: Pass) -> Ranked:
        """Distinct open rows, best first; fewer only if there are fewer. Raises Cancelled."""
        sample = self._sample(ask)
        if not len(sample.rows.row):
            return sample.rows
        members = [m for m in map(self._member, ensemble.members) if self._works(m, ask)]
        size = ensemble.subset_rows
        for number in range(ensemble.rounds):
            union = self._round(ensemble, members, sample, ask, number, size)
            if len(union) < ask.count:
                break
            sample = sample.take(union)
            size = max(ask.count, int(_KEPT_SHARE * len(union)))
        final = self._member(ensemble.final)
        picks = self.scoring.choose(sample.ask(self._pass(final, ask)))
        return replace(picks, block=sample.rows.block[picks.row], row=sample.rows.row[picks.row])

    def _round(
        self,
        ensemble: Ensemble,
        members: list[Scoring | Selecting],
        sample: _Sample,
        ask: Pass,
        number: int,
        size: int,
    ) -> I64:
        """The positions that any member chose from its subsets, at most `_UNION`."""
        chosen: set[int] = set()
        for turn in range(ensemble.subsets):
            key = (ask.seed + (number * ensemble.subsets + turn + 1) * _STRIDE) % 2**64
            at = sample.subset(size, key)
            member = self._pass(members[turn % len(members)], ask)
            part = sample.take(at)
            picks = self.scoring.choose(part.ask(replace(member, seed=key % 2**63)))
            chosen.update(at[picks.row].tolist())
        return np.array(sorted(chosen), np.int64)[:_UNION]

    def _sample(self, ask: Pass) -> _Sample:
        rows = self.scoring.draw(ask.blocks, _SAMPLE, ask.seed, ask.cancel)
        hashes = np.zeros(len(rows.row), np.uint64)
        costs = np.ones(len(rows.row), np.float32)
        for number, block in enumerate(ask.blocks):
            at = rows.block == number
            hashes[at] = block.id_hash[rows.row[at]]
            column = ask.costs[number] if ask.costs else None
            if column is not None:
                costs[at] = column[rows.row[at]]
        vectors = self.scoring.gather(ask.blocks, rows.block, rows.row, ask.cancel)
        return _Sample(rows, vectors, hashes, costs)

    def _member(self, name: str) -> Scoring | Selecting:
        found = self.strategies[name]
        if not isinstance(found, Scoring | Selecting):
            raise TypeError(f"an ensemble cannot have {name} as a member")
        return found

    def _works(self, member: Scoring | Selecting, ask: Pass) -> bool:
        wants_model = Need.MODEL in member.needs or bool(getattr(member, "scores", ""))
        return ask.head is not None or not wants_model

    def _pass(self, member: Scoring | Selecting, ask: Pass) -> Pass:
        scores = None
        if isinstance(member, Selecting) and member.scores:
            scores = self.strategies[member.scores]
        parameters = {p.name: p.default for p in member.parameters}
        return replace(
            ask,
            strategy=member,
            scores=scores if isinstance(scores, Scoring) else None,
            parameters=parameters,
        )


_STRIDE: Final = 0x9E3779B97F4A7C15  # the golden ratio: keys far apart
