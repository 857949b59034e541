"""The promise of PoolScoring: however the pass is spread, the answer is that of one thread."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alservice import strategies
from alservice.core import Block, CancelFlag, Cancelled, Engine, Ranked, keyed_hash
from alservice.domain.head import LinearHead
from alservice.domain.strategy import Scoring, Selecting, Strategy
from alservice.ports.scoring import PoolScoring
from alservice.scoring.local import LocalScoring
from alservice.scoring.on_ray import Crew
from alservice.scoring.spread import SpreadScoring
from alservice.storage.open_elsewhere import open_elsewhere
from tests.scoring.stored import Stored, spread
from tests.strategies.pools import Pool, choose, pools, question, rows

ALL = strategies.discover()
SCORING = [s for s in ALL.values() if isinstance(s, Scoring)]
SELECTING = [s for s in ALL.values() if isinstance(s, Selecting)]


def on_ray(folder: Path, request: pytest.FixtureRequest) -> PoolScoring:
    """Two actors of one node, and the files of a folder that all of them see."""
    (folder / "segments").mkdir()
    crew = Crew(
        partial(request.getfixturevalue, "ray"),
        Engine(1),
        partial(open_elsewhere, None, folder),
        mark=None,
        actors_per_node=2,
    )
    return Stored(SpreadScoring(Engine(1), shards=crew), folder)


# Add what makes another implementation here, and it must keep every promise.
MAKERS: dict[str, Callable[[Path, pytest.FixtureRequest], PoolScoring]] = {
    "local, one thread": lambda _folder, _request: LocalScoring(Engine(1)),
    "local, two threads": lambda _folder, _request: LocalScoring(Engine(2)),
    "three shards": lambda folder, _request: spread(folder, 3),
    "three shards, one of which never answers": lambda folder, _request: spread(folder, 3, [1]),
    "ray": on_ray,
}
COUNTS = st.integers(0, 45)
CUTS = st.lists(st.integers(0, 40), max_size=5)
SEEDS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module", params=list(MAKERS.values()), ids=list(MAKERS))
def scoring(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PoolScoring:
    made: PoolScoring = request.param(tmp_path_factory.mktemp("place"), request)
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
    found = scoring.choose(question(strategy, pool, blocks, count, seed))
    same(found, blocks, choose(strategy, pool, whole, count, seed), whole)


@given(pool=pools(), strategy=st.sampled_from(SCORING), seed=SEEDS)
@settings(max_examples=40)
def test_rank_gives_all_that_is_free_by_falling_score_and_then_by_keyed_hash(
    scoring: PoolScoring, pool: Pool, strategy: Scoring, seed: int
) -> None:
    blocks = pool.cut()
    found = scoring.choose(question(strategy, pool, blocks, 40, seed))
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
    ask = question(strategy, pool, blocks, count, seed)
    found = scoring.choose(ask)
    if isinstance(scoring, LocalScoring) or not strategy.two_rounds(ask.parameters):
        same(found, blocks, choose(strategy, pool, whole, count, seed), whole)
    chosen = rows(blocks, found)
    assert len(set(chosen)) == len(chosen) == min(count, int(pool.free.sum()))
    assert pool.free[chosen].all()


@given(pool=pools(), cuts=CUTS, count=st.integers(1, 3), seed=SEEDS)
@settings(max_examples=40)
def test_k_center_covers_within_four_times_the_optimum(
    scoring: PoolScoring, pool: Pool, cuts: list[int], count: int, seed: int
) -> None:
    few = replace(pool, free=pool.free & (np.cumsum(pool.free) <= 12))
    assume(few.free.any())
    blocks = few.cut(*cuts)
    found = scoring.choose(question(ALL["k_center"], few, blocks, count, seed))
    open_ = few.vectors[few.free].astype(np.float64)
    optimum = min(
        radius(open_, [*few.anchors, *centres]) for centres in combinations(open_, len(found.row))
    )
    chosen = few.vectors[rows(blocks, found)]
    bound = 2 if isinstance(scoring, LocalScoring) else 4
    assert radius(open_, [*few.anchors, *chosen]) <= bound * optimum + 1e-4


def radius(vectors: np.ndarray, centres: Sequence[np.ndarray]) -> float:
    """The greatest distance of a vector to its nearest centre."""
    gaps = np.linalg.norm(vectors[:, None] - np.array(centres, np.float64)[None], axis=2)
    return float(gaps.min(axis=1).max())


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
@settings(max_examples=10)
def test_a_gather_that_is_cancelled_is_not_done(scoring: PoolScoring, pool: Pool) -> None:
    cancel, row = CancelFlag(), np.zeros(1, np.int64)
    cancel.cancel()
    blocks = pool.cut()
    assume(blocks)
    with pytest.raises(Cancelled):
        scoring.gather(blocks, row, row, cancel)


@given(pool=pools())
@settings(max_examples=40)
def test_probabilities_are_the_softmax_of_the_logits(scoring: PoolScoring, pool: Pool) -> None:
    found = scoring.probabilities(pool.vectors, pool.head)
    logits = pool.head.logits(pool.vectors).astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    np.testing.assert_allclose(found, odds / odds.sum(axis=1, keepdims=True), atol=1e-5)


def test_whoever_is_cancelled_hears_of_it(scoring: PoolScoring) -> None:
    n = 100_000
    pool = Pool(
        vectors=np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32),
        id_hash=np.arange(n, dtype=np.uint64),
        free=np.ones(n, np.bool_),
        head=LinearHead(np.eye(2, 4, dtype=np.float32), np.zeros(2, np.float32)),
        anchors=np.zeros((1, 4), np.float32),
    )
    blocks, cancel = pool.cut(), CancelFlag()
    cancel.cancel()
    with pytest.raises(Cancelled):
        scoring.draw(blocks, 9, 1, cancel)
    every: list[Strategy] = [*SCORING, *SELECTING]
    for strategy in every:
        with pytest.raises(Cancelled):
            scoring.choose(replace(question(strategy, pool, blocks, 9, 1), cancel=cancel))


@given(pool=pools(), most=st.integers(0, 5), cuts=CUTS, seed=SEEDS)
@settings(max_examples=40)
def test_every_open_row_is_counted_for_the_pick_nearest_to_it(
    scoring: PoolScoring, pool: Pool, most: int, cuts: list[int], seed: int
) -> None:
    blocks = pool.cut(*cuts)
    picks = scoring.draw(blocks, 4, seed, CancelFlag())
    found = scoring.represented(blocks, picks, most, CancelFlag())
    chosen = rows(blocks, picks)
    rest = [row for row in np.flatnonzero(pool.free) if row not in chosen]
    assert found.counts.sum() == (len(rest) if chosen else 0)
    named = np.bincount(found.pick, minlength=len(chosen))
    np.testing.assert_array_equal(named, np.minimum(found.counts, most))
    assert (np.diff(found.pick) >= 0).all()
    triples = zip(rows(blocks, found.rows), found.pick, found.rows.score, strict=True)
    for row, place, distance in triples:
        gaps = np.linalg.norm(pool.vectors[chosen] - pool.vectors[row], axis=1)
        np.testing.assert_allclose(distance, gaps[place], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(gaps[place], gaps.min(), rtol=1e-3, atol=1e-3)


@given(pool=pools(), strategy=st.sampled_from(SCORING), gamma=st.sampled_from([0.0, 0.5, 2.0]))
@settings(max_examples=40)
def test_a_score_is_divided_by_the_cost_to_a_power(
    scoring: PoolScoring, pool: Pool, strategy: Scoring, gamma: float
) -> None:
    blocks = pool.cut(7)
    columns = [np.linspace(0.5, 4, len(block.id_hash)).astype(np.float32) for block in blocks]
    ask = replace(question(strategy, pool, blocks, 40, 3), costs=columns, cost_exponent=gamma)
    found = scoring.choose(ask)
    costs = np.concatenate([*columns, np.zeros(0, np.float32)])[rows(blocks, found)]
    plain = strategy.score(scoring.probabilities(pool.vectors, pool.head))[rows(blocks, found)]
    np.testing.assert_allclose(found.score, plain / costs**gamma, rtol=1e-4, atol=1e-4)
    assert (np.diff(found.score) <= 0).all()
