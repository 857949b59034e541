"""The promise of PoolScoring: however the pass is spread, the answer is that of one thread."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alservice import strategies
from alservice.core import Block, CancelFlag, Cancelled, Engine, Ranked, keyed_hash
from alservice.domain.learner import LinearHead
from alservice.domain.strategy import Scoring, Selecting
from alservice.ports.scoring import PoolScoring
from alservice.scoring.local import LocalScoring
from tests.strategies.pools import Pool, choose, pools, rows

ALL = strategies.discover()
SCORING = [s for s in ALL.values() if isinstance(s, Scoring)]
SELECTING = [s for s in ALL.values() if isinstance(s, Selecting)]

# Add what makes another implementation here, and it must keep every promise.
MAKERS: dict[str, Callable[[], PoolScoring]] = {
    "local, one thread": lambda: LocalScoring(Engine(1)),
    "local, two threads": lambda: LocalScoring(Engine(2)),
}
COUNTS = st.integers(0, 45)
CUTS = st.lists(st.integers(0, 40), max_size=5)
SEEDS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module", params=list(MAKERS.values()), ids=list(MAKERS))
def scoring(request: pytest.FixtureRequest) -> PoolScoring:
    made: PoolScoring = request.param()
    return made


def same(one: Ranked, blocks: Sequence[Block], other: Ranked, others: Sequence[Block]) -> None:
    assert rows(blocks, one) == rows(others, other)
    np.testing.assert_array_equal(one.score, other.score)


def test_there_is_something_to_check() -> None:
    assert len(SCORING) >= 3 and len(SELECTING) >= 2


@given(pool=pools(), strategy=st.sampled_from(SCORING), cuts=CUTS, count=COUNTS, seed=SEEDS)
@settings(max_examples=40)
def test_rank_is_what_one_thread_says_of_the_whole(
    scoring: PoolScoring, pool: Pool, strategy: Scoring, cuts: list[int], count: int, seed: int
) -> None:
    blocks, whole = pool.cut(*cuts), pool.cut()
    found = scoring.rank(strategy, blocks, pool.head, count, seed, CancelFlag())
    same(found, blocks, choose(strategy, pool, whole, count, seed), whole)


@given(pool=pools(), strategy=st.sampled_from(SCORING), seed=SEEDS)
@settings(max_examples=40)
def test_rank_gives_all_that_is_free_by_falling_score_and_then_by_keyed_hash(
    scoring: PoolScoring, pool: Pool, strategy: Scoring, seed: int
) -> None:
    blocks = pool.cut()
    found = scoring.rank(strategy, blocks, pool.head, 40, seed, CancelFlag())
    chosen = rows(blocks, found)
    assert sorted(chosen) == np.flatnonzero(pool.free).tolist()
    keyed = keyed_hash(pool.id_hash, seed)
    order = [(-score, int(keyed[row])) for score, row in zip(found.score, chosen, strict=True)]
    assert order == sorted(order)
    expected = strategy.score(scoring.probabilities(pool.vectors, pool.head))
    np.testing.assert_allclose(found.score, expected[chosen], atol=2e-5)


@given(pool=pools(), strategy=st.sampled_from(SELECTING), cuts=CUTS, count=COUNTS, seed=SEEDS)
@settings(max_examples=40)
def test_select_is_what_one_thread_says_of_the_whole(
    scoring: PoolScoring, pool: Pool, strategy: Selecting, cuts: list[int], count: int, seed: int
) -> None:
    blocks, whole = pool.cut(*cuts), pool.cut()
    found = scoring.select(strategy, blocks, pool.anchors, count, seed, {}, CancelFlag())
    same(found, blocks, choose(strategy, pool, whole, count, seed), whole)
    chosen = rows(blocks, found)
    assert len(set(chosen)) == len(chosen) == min(count, int(pool.free.sum()))
    assert pool.free[chosen].all()


@given(pool=pools(), cuts=CUTS, count=COUNTS, seed=SEEDS)
@settings(max_examples=40)
def test_draw_takes_the_smallest_keyed_hashes(
    scoring: PoolScoring, pool: Pool, cuts: list[int], count: int, seed: int
) -> None:
    blocks = pool.cut(*cuts)
    found = scoring.draw(blocks, count, seed, CancelFlag())
    free = np.flatnonzero(pool.free)
    keyed = keyed_hash(pool.id_hash, seed)
    assert rows(blocks, found) == free[np.argsort(keyed[free])][:count].tolist()
    assert not found.score.any()


@given(pool=pools(), cuts=CUTS, picks=st.lists(st.integers(0, 1_000), max_size=20))
@settings(max_examples=40)
def test_gather_copies_rows_in_the_order_asked(
    scoring: PoolScoring, pool: Pool, cuts: list[int], picks: list[int]
) -> None:
    blocks = pool.cut(*cuts)
    assume(blocks)
    starts = np.cumsum([0, *(len(block.vectors) for block in blocks)])
    wanted = np.array([pick % len(pool.vectors) for pick in picks], np.int64)
    block = np.searchsorted(starts, wanted, side="right").astype(np.int64) - 1
    found = scoring.gather(blocks, block, wanted - starts[block])
    np.testing.assert_array_equal(found, pool.vectors[wanted])


@given(pool=pools())
@settings(max_examples=40)
def test_probabilities_are_the_softmax_of_the_logits(scoring: PoolScoring, pool: Pool) -> None:
    found = scoring.probabilities(pool.vectors, pool.head)
    logits = pool.head.logits(pool.vectors).astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    np.testing.assert_allclose(found, odds / odds.sum(axis=1, keepdims=True), atol=1e-5)


def test_whoever_is_cancelled_hears_of_it(scoring: PoolScoring) -> None:
    n = 100_000
    block = Block(
        vectors=np.zeros((n, 4), np.float32),
        id_hash=np.arange(n, dtype=np.uint64),
        excluded=np.zeros(n // 8, np.uint8),
    )
    cancel = CancelFlag()
    cancel.cancel()
    head = LinearHead(np.zeros((2, 4), np.float32), np.zeros(2, np.float32))
    calls: list[Callable[[], Ranked]] = [
        lambda: scoring.rank(SCORING[0], [block], head, 9, 1, cancel),
        lambda: scoring.draw([block], 9, 1, cancel),
        *(
            lambda s=strategy: scoring.select(
                s, [block], np.zeros((0, 4), np.float32), 9, 1, {}, cancel
            )
            for strategy in SELECTING
        ),
    ]
    for call in calls:
        with pytest.raises(Cancelled):
            call()
