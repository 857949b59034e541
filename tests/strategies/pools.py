"""Pools small enough to think about, as the core sees them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alservice import strategies
from alservice.core import Block, CancelFlag, Engine, Ranked
from alservice.domain.head import LinearHead
from alservice.domain.learner import F32
from alservice.domain.strategy import (
    COST_EXPONENT,
    Ensemble,
    Parameter,
    Schedule,
    Scoring,
    Selecting,
    Strategy,
    parameters_of,
)
from alservice.ports.scoring import Pass
from alservice.scoring.local import LocalScoring
from alservice.usecases.choose_together import ChooseTogether

ENGINE = Engine(2)
SCORING = LocalScoring(ENGINE)
KNOWN = strategies.discover()
DIMENSION = 3
NUMBERS = st.floats(-4, 4, width=32)
#: A parameter as large as this is a bound on work, which small pools never meet.
LARGE = 50


@dataclass(frozen=True)
class Pool:
    """Rows, which of them may be chosen, a model, and what is labelled already.

    `leased` are vectors that others hold, `costs` those of the rows, which matter to the power
    `cost_exponent`; `cap` takes the place of parameters that bound how much is looked at.
    """

    vectors: F32
    id_hash: np.ndarray
    free: np.ndarray
    head: LinearHead
    anchors: F32
    leased: F32 = field(default_factory=lambda: np.zeros((0, DIMENSION), np.float32))
    costs: F32 | None = None
    cost_exponent: float = 0.0
    cap: float = np.inf

    def cut(self, *cuts: int) -> list[Block]:
        """The rows as blocks that begin at these positions."""
        edges = sorted({0, len(self.vectors), *(min(c, len(self.vectors)) for c in cuts)})
        return [self._block(a, b) for a, b in pairwise(edges)]

    def _block(self, start: int, end: int) -> Block:
        excluded = np.packbits(~self.free[start:end], bitorder="little")
        vectors = self.vectors[start:end].copy()
        vectors.flags.writeable = False
        return Block(vectors, self.id_hash[start:end].copy(), excluded)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """Up to 40 rows with ties, some of them excluded."""
    n, classes = draw(st.integers(0, 40)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**32 - 1))
    return Pool(
        vectors=draw(arrays(np.float32, (n, DIMENSION), elements=NUMBERS)),
        id_hash=np.random.default_rng(seed).integers(0, 2**64, n, dtype=np.uint64),
        free=draw(arrays(np.bool_, n)),
        head=LinearHead(
            draw(arrays(np.float32, (classes, DIMENSION), elements=NUMBERS)),
            draw(arrays(np.float32, classes, elements=NUMBERS)),
        ),
        anchors=draw(arrays(np.float32, (draw(st.integers(0, 3)), DIMENSION), elements=NUMBERS)),
    )


@st.composite
def busy_pools(draw: st.DrawFn) -> Pool:
    """The same, in some of which others hold items, labels have a price, and caps are tiny."""
    pool = draw(pools())
    held = draw(st.integers(0, 3))
    prices = st.floats(0.125, 8, width=32)
    return replace(
        pool,
        leased=draw(arrays(np.float32, (held, DIMENSION), elements=NUMBERS)),
        costs=draw(st.none() | arrays(np.float32, len(pool.vectors), elements=prices)),
        cost_exponent=draw(st.sampled_from([0.0, 1.0])),
        cap=draw(st.sampled_from([np.inf, 5.0, 20.0])),
    )


def question(
    strategy: Strategy, pool: Pool, blocks: Sequence[Block], count: int, seed: int
) -> Pass:
    """What the service asks of a pool, with the strategy's own way and parameters."""
    return Pass(
        strategy=None if isinstance(strategy, Schedule | Ensemble) else strategy,
        scores=_scores(strategy),
        blocks=blocks,
        count=count,
        seed=seed,
        cancel=CancelFlag(),
        head=pool.head,
        anchors=np.concatenate([pool.anchors, pool.leased.reshape(-1, pool.anchors.shape[1])]),
        anchor_classes=np.concatenate(
            [np.arange(len(pool.anchors)) % len(pool.head.bias), np.full(len(pool.leased), -1)]
        ),
        class_count=len(pool.head.bias),
        costs=_costs(pool, blocks),
        cost_exponent=pool.cost_exponent,
        parameters={p.name: _value(p, pool) for p in parameters_of(strategy)},
    )


def _value(parameter: Parameter, pool: Pool) -> float:
    if parameter == COST_EXPONENT:
        return pool.cost_exponent
    if parameter.default < LARGE:
        return parameter.default
    return max(min(parameter.default, pool.cap), parameter.minimum)


def _costs(pool: Pool, blocks: Sequence[Block]) -> list[F32 | None]:
    if pool.costs is None:
        return [None] * len(blocks)
    edges = np.cumsum([0, *(len(block.id_hash) for block in blocks)])
    return [pool.costs[a:b].copy() for a, b in pairwise(edges)]


def choose(
    strategy: Strategy, pool: Pool, blocks: Sequence[Block], count: int, seed: int = 7
) -> Ranked:
    """What the strategy chooses, as the service runs it."""
    ask = question(strategy, pool, blocks, count, seed)
    if isinstance(strategy, Ensemble):
        return ChooseTogether(SCORING, KNOWN)(strategy, ask)
    return SCORING.choose(ask)


def _scores(strategy: Strategy) -> Scoring | None:
    """What a selecting strategy diversifies by itself."""
    name = strategy.scores if isinstance(strategy, Selecting) else ""
    found = KNOWN.get(name)
    return found if isinstance(found, Scoring) else None


def rows(blocks: Sequence[Block], chosen: Ranked) -> list[int]:
    """Positions in the whole pool."""
    starts = np.cumsum([0, *(len(b.vectors) for b in blocks)])
    return [int(starts[b] + r) for b, r in zip(chosen.block, chosen.row, strict=True)]
