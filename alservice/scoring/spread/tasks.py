"""What can be asked of a part of a pool: the same task here, on a thread, or on another machine.

A task is data that travels; what it needs of the place where it is carried out is in `Hands`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Engine, Ranked
from alservice.domain.head import Head
from alservice.domain.strategy import Scoring
from alservice.ports.scoring import Pass, Represented
from alservice.scoring.local import LocalScoring
from alservice.scoring.represented import nearest_open
from alservice.scoring.scored import PoolScores

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """Some blocks of a pool, what their numbers are in it, and what walks them."""

    scoring: LocalScoring
    blocks: Sequence[Block]
    numbers: I64  # (blocks,), ascending
    costs: Sequence[F32 | None]
    cancel: CancelFlag

    @property
    def engine(self) -> Engine:
        """The threads."""
        return self.scoring.engine

    def whole(self, ranked: Ranked) -> Ranked:
        """The rows, with their blocks by the numbers of the pool."""
        return replace(ranked, block=self.numbers[ranked.block])

    def mine(self, block: I64, row: I64) -> tuple[I64, I64, I64]:
        """Which of these rows of the pool are here: positions, blocks here, rows."""
        at = np.flatnonzero(np.isin(block, self.numbers)).astype(np.int64)
        here = np.searchsorted(self.numbers, block[at]).astype(np.int64)
        return at, here, np.ascontiguousarray(row[at])


class Task(Protocol):
    """One task. Raises Cancelled."""

    def part(self, numbers: I64) -> "Task | None":
        """What of it concerns these blocks; None for nothing."""

    def __call__(self, hands: Hands) -> object:
        """The answer for these blocks."""


@dataclass(frozen=True, slots=True)
class Top:
    """The `count` best rows by a scoring strategy: Ranked."""

    strategy: Scoring
    head: Head
    count: int
    seed: int
    cost_exponent: float

    def part(self, numbers: I64) -> "Top":
        """All of it."""
        return self

    def __call__(self, hands: Hands) -> Ranked:
        """The best of these blocks."""
        scores = PoolScores(
            strategy=self.strategy,
            blocks=hands.blocks,
            head=self.head,
            engine=hands.engine,
            seed=self.seed,
            cancel=hands.cancel,
            costs=hands.costs,
            cost_exponent=self.cost_exponent,
        )
        return hands.whole(scores.top(self.count))


@dataclass(frozen=True, slots=True)
class Draw:
    """A uniform sample: Ranked."""

    count: int
    seed: int

    def part(self, numbers: I64) -> "Draw":
        """All of it."""
        return self

    def __call__(self, hands: Hands) -> Ranked:
        """The smallest keyed hashes of these blocks."""
        drawn = hands.engine.random_top_k(hands.blocks, self.count, self.seed, hands.cancel)
        return hands.whole(drawn)


@dataclass(frozen=True, slots=True)
class Gather:
    """The vectors of some rows of the pool: positions (m,) among those asked for, and (m, d)."""

    at: I64
    block: I64
    row: I64

    def part(self, numbers: I64) -> "Gather | None":
        """The rows of these blocks."""
        here = np.isin(self.block, numbers)
        if not here.any():
            return None
        return Gather(self.at[here], self.block[here], self.row[here])

    def __call__(self, hands: Hands) -> tuple[I64, F32]:
        """Copies."""
        at, block, row = hands.mine(self.block, self.row)
        return self.at[at], hands.engine.gather(hands.blocks, block, row)


@dataclass(frozen=True, slots=True)
class Choose:
    """What a selecting strategy picks from a part alone, with the vectors of the picks.

    `question` are the fields of a Pass that do not depend on the part.
    """

    question: Mapping[str, Any]

    def part(self, numbers: I64) -> "Choose":
        """All of it."""
        return self

    def __call__(self, hands: Hands) -> tuple[Ranked, F32]:
        """The picks of these blocks."""
        ask = Pass(blocks=hands.blocks, cancel=hands.cancel, **self.question)
        # What is kept between rounds is true of these blocks of this pool alone.
        key = f"{ask.pool_key}|{hands.numbers.tolist()}" if ask.pool_key else ""
        picks = hands.scoring.choose(replace(ask, pool_key=key))
        return hands.whole(picks), hands.engine.gather(hands.blocks, picks.block, picks.row)


@dataclass(frozen=True, slots=True)
class Represent:
    """Whose nearest of the picks (k,), with vectors (k, d), the open rows are: Represented."""

    block: I64
    row: I64
    centres: F32
    most: int

    def part(self, numbers: I64) -> "Represent":
        """All of it."""
        return self

    def __call__(self, hands: Hands) -> Represented:
        """The counts and the nearest of these blocks."""
        _, *own = hands.mine(self.block, self.row)
        found = nearest_open(
            hands.engine, hands.blocks, self.centres, (own[0], own[1]), self.most, hands.cancel
        )
        return replace(found, rows=hands.whole(found.rows))
