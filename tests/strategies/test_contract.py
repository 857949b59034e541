"""What every strategy promises. A new file in alservice/strategies is tested here at once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice import strategies
from alservice.domain.head import LinearHead
from alservice.domain.strategy import Ensemble, Schedule, Scoring, Selecting, Strategy
from tests.strategies.pools import ENGINE, Pool, busy_pools, choose, pools, rows

ALL = strategies.discover()
SCORING = [s for s in ALL.values() if isinstance(s, Scoring)]
CHOOSING = [s for s in ALL.values() if not isinstance(s, Schedule)]
GREEDY = [s for s in CHOOSING if isinstance(s, Scoring) or getattr(s, "greedy", False)]
COUNTS = st.integers(0, 45)
CUTS = st.lists(st.integers(0, 40), max_size=4)

each = pytest.mark.parametrize("strategy", ALL.values(), ids=ALL.keys())
each_choosing = pytest.mark.parametrize("strategy", CHOOSING, ids=lambda s: s.name)
each_greedy = pytest.mark.parametrize("strategy", GREEDY, ids=lambda s: s.name)
each_scoring = pytest.mark.parametrize("strategy", SCORING, ids=lambda s: s.name)


def test_the_folder_holds_the_five() -> None:
    assert {"random", "least_confidence", "margin", "entropy", "k_center"} <= set(ALL)
    assert list(ALL) == sorted(ALL)


@each_choosing
@given(pool=busy_pools(), cuts=CUTS, count=COUNTS)
@settings(max_examples=40, deadline=None)
def test_it_chooses_distinct_free_rows_as_many_as_asked_or_all(
    strategy: Strategy, pool: Pool, cuts: list[int], count: int
) -> None:
    blocks = pool.cut(*cuts)
    chosen = rows(blocks, choose(strategy, pool, blocks, count))
    assert len(chosen) == len(set(chosen)) == min(count, pool.free.sum())
    assert all(pool.free[row] for row in chosen)


@each_choosing
@given(pool=busy_pools(), cuts=CUTS, count=COUNTS, seed=st.integers(0, 2**63 - 1))
@settings(max_examples=40, deadline=None)
def test_the_answer_depends_on_the_seed_but_not_on_how_the_pool_is_cut(
    strategy: Strategy, pool: Pool, cuts: list[int], count: int, seed: int
) -> None:
    whole, parts = pool.cut(), pool.cut(*cuts)
    expected, got = (choose(strategy, pool, blocks, count, seed) for blocks in (whole, parts))
    assert rows(parts, got) == rows(whole, expected)
    np.testing.assert_array_equal(got.score, expected.score)


@each_greedy
@given(pool=busy_pools(), count=COUNTS)
@settings(max_examples=30, deadline=None)
def test_a_smaller_batch_is_the_beginning_of_a_larger_one(
    strategy: Strategy, pool: Pool, count: int
) -> None:
    if np.isfinite(pool.cap):
        # It is one while there are four candidates for each item of the larger batch.
        count %= 7
        pool = replace(pool, cap=4.0 * (count + 3))
    blocks = pool.cut()
    few, many = (rows(blocks, choose(strategy, pool, blocks, k)) for k in (count, count + 3))
    assert many[:count] == few


@each_choosing
def test_another_seed_breaks_ties_differently(strategy: Strategy) -> None:
    # 200 equal rows, of which 5 are drawn: two seeds agree by chance once in 10^11.
    pool = Pool(
        vectors=np.ones((200, 3), np.float32),
        id_hash=np.random.default_rng(0).integers(0, 2**64, 200, dtype=np.uint64),
        free=np.ones(200, np.bool_),
        head=LinearHead(np.eye(3, dtype=np.float32), np.zeros(3, np.float32)),
        anchors=np.zeros((1, 3), np.float32),
    )
    blocks = pool.cut()
    first, second = (rows(blocks, choose(strategy, pool, blocks, 5, seed)) for seed in (1, 2))
    assert first != second


@each_scoring
@given(pool=pools())
@settings(max_examples=60)
def test_the_fused_kernel_and_the_row_function_agree(strategy: Scoring, pool: Pool) -> None:
    weights, bias = pool.head.weights, pool.head.bias
    fused = ENGINE.measure_scores(pool.vectors, weights, bias, strategy.measure)
    general = strategy.score(ENGINE.probabilities(pool.vectors, weights, bias))
    assert general.dtype == np.float32 and general.shape == (len(pool.vectors),)
    np.testing.assert_allclose(general, fused, atol=2e-5)


@each_scoring
@given(pool=pools(), cut=st.integers(0, 40))
@settings(max_examples=60)
def test_the_row_function_looks_at_one_row_at_a_time(
    strategy: Scoring, pool: Pool, cut: int
) -> None:
    p = ENGINE.probabilities(pool.vectors, pool.head.weights, pool.head.bias)
    sharded = np.concatenate([strategy.score(p[:cut]), strategy.score(p[cut:])])
    np.testing.assert_array_equal(sharded, strategy.score(p))


@each_scoring
@pytest.mark.parametrize("classes", [2, 3, 10, 200])
def test_scores_grow_from_certainty_to_a_uniform_guess(strategy: Scoring, classes: int) -> None:
    shares = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    uniform = np.full((1, classes), 1 / classes, np.float32)
    p = np.asarray((1 - shares) * np.eye(1, classes, dtype=np.float32) + shares * uniform)
    scores = strategy.score(p)
    assert scores[0] == 0
    assert (np.diff(scores) > 0).all()
    assert scores[-1] <= 1


@each_scoring
def test_a_single_class_leaves_no_doubt(strategy: Scoring) -> None:
    np.testing.assert_array_equal(strategy.score(np.ones((3, 1), np.float32)), np.zeros(3))


@each
def test_it_is_documented_and_has_a_test_of_its_own(strategy: Strategy) -> None:
    assert strategy.summary.endswith(".") and strategy.reference and strategy.version >= 1
    own = Path(__file__).parent / f"test_{strategy.name}.py"
    assert "def test_" in own.read_text()
    names = [p.name for p in strategy.parameters]
    assert len(names) == len(set(names))
    assert all(p.minimum <= p.default <= p.maximum for p in strategy.parameters)
    assert isinstance(strategy, Scoring | Selecting | Schedule | Ensemble)


@each_choosing
def test_it_takes_nobodys_pool_apart(strategy: Strategy) -> None:
    """Edges: nothing to choose from, one row, all rows equal, zero vectors, one class."""
    for n in (0, 1, 9):
        for classes in (1, 2):
            pool = Pool(
                vectors=np.zeros((n, 3), np.float32),
                id_hash=np.arange(n, dtype=np.uint64),
                free=np.ones(n, np.bool_),
                head=LinearHead(np.zeros((classes, 3), np.float32), np.zeros(classes, np.float32)),
                anchors=np.zeros((0, 3), np.float32),
            )
            blocks = pool.cut()
            for count in (0, 1, 5, 20):
                chosen = rows(blocks, choose(strategy, pool, blocks, count))
                assert len(chosen) == len(set(chosen)) == min(count, n)


def test_what_is_named_exists() -> None:
    for strategy in ALL.values():
        if isinstance(strategy, Schedule):
            parts = {step.strategy for step in strategy.steps}
            parts |= {step.diversify for step in strategy.steps if step.diversify}
        elif isinstance(strategy, Ensemble):
            parts = {*strategy.members, strategy.final}
        else:
            parts = {strategy.scores} - {""} if isinstance(strategy, Selecting) else set()
            assert all(isinstance(ALL[name], Scoring) for name in parts)
        assert parts <= set(ALL)
