"""The open pool as a selecting strategy sees it: read-only, block by block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Engine, NearestState, Ranked
from alservice.domain.head import Head, LinearHead
from alservice.domain.pool_index import PoolIndex

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]


class Scored(Protocol):
    """The pool as some scoring strategy sees it; a score is divided by the item's cost."""

    @property
    def name(self) -> str:
        """The scoring strategy."""

    def top(self, count: int) -> Ranked:
        """The `count` best open rows, best first; all if there are fewer."""

    def every(self) -> list[F32]:
        """The score of each row (n_i,), open or not, block by block."""

    def of(self, vectors: F32) -> F32:
        """The scores (n,) of these vectors, not divided by any cost."""

    def worth(self, rows: Ranked, vectors: F32) -> F32:
        """The scores (n,) of these rows, with these vectors, divided by their cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """The blocks, what is chosen already, the model, and what was made from the pool before.

    `anchors` (m, d) are the vectors of labelled items, then of items leased to others: to be
    treated as already chosen. `anchor_classes` (m,) are positions of classes, -1 for the leased
    and for labels that are no class.
    """

    blocks: Sequence[Block]
    anchors: F32
    anchor_classes: I64
    class_count: int
    seed: int
    engine: Engine
    cancel: CancelFlag | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    scored: Scored | None = None
    head: Head | None = None
    #: One over the inverse penalty C, for vectors of mean squared norm 1.
    penalty: float = 0.01
    #: Per block (n_i,), > 0; None where no item of the block has a cost.
    costs: Sequence[F32 | None] = ()
    #: None until it was built, or where items came or went since.
    index: PoolIndex | None = None
    #: What is known of the distances to the first `labelled` anchors; None: nothing is kept.
    nearest: NearestState | None = None
    labelled: int = 0

    def sample(self, count: int) -> Ranked:
        """Open rows drawn uniformly, in the order of their keyed hashes; all if there are fewer.

        That order is as good as random and the same for every cut of the pool, so a strategy
        that takes the first of equals breaks ties as the whole service does.
        """
        return self.engine.random_top_k(self.blocks, count, self.seed, self.cancel)

    def vectors(self, rows: Ranked) -> F32:
        """The vectors (m, d) of these rows."""
        return self.engine.gather(self.blocks, rows.block, rows.row)

    def costs_of(self, rows: Ranked) -> F32:
        """The costs (m,) of these rows; 1 where none is known."""
        costs = np.ones(len(rows.row), np.float32)
        for number, column in enumerate(self.costs):
            if column is not None:
                at = rows.block == number
                costs[at] = column[rows.row[at]]
        return costs

    def probabilities(self, vectors: F32) -> F32:
        """Class probabilities (m, C) by the model. Raises AssertionError without one."""
        if self.head is None:
            raise AssertionError("a strategy that asks for probabilities must need a model")
        if isinstance(self.head, LinearHead):
            return self.engine.probabilities(vectors, self.head.weights, self.head.bias)
        return self.head.probabilities(vectors)


def take(rows: Ranked, order: I64, score: F32, **components: F32) -> Ranked:
    """The rows at these positions, with new scores (k,) and the parts that made them (k,)."""
    return replace(
        rows,
        block=rows.block[order],
        row=rows.row[order],
        score=np.asarray(score, np.float32),
        components={name: np.asarray(part, np.float32) for name, part in components.items()},
    )


def join(first: Ranked, second: Ranked) -> Ranked:
    """The rows of both, one after the other; parts that only one of them has are 0 elsewhere."""
    names = dict.fromkeys([*first.components, *second.components])
    return Ranked(
        block=np.concatenate([first.block, second.block]),
        row=np.concatenate([first.row, second.row]),
        score=np.concatenate([first.score, second.score]),
        components={n: np.concatenate([_part(first, n), _part(second, n)]) for n in names},
    )


def _part(rows: Ranked, name: str) -> F32:
    return rows.components.get(name, np.zeros(len(rows.row), np.float32))
