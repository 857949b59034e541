"""Cost ratio, against the best batch that the money can buy."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.strategies import cost_ratio
from tests.strategies.modelled import Modelled, check_edges, margins, modelled

SEEDS = st.integers(0, 2**32 - 1)


def priced(seed: int, n: int, budget: float = 0) -> Modelled:
    costs = np.random.default_rng(seed).integers(1, 20, n).astype(np.float32)
    return replace(modelled(seed, n, excluded=0), costs=costs, parameters={"budget": budget})


@given(seed=SEEDS, count=st.integers(1, 10))
def test_without_a_budget_the_best_ratios_are_taken(seed: int, count: int) -> None:
    pool = priced(seed, 20)
    assert pool.costs is not None
    ratio = margins(pool, range(20)) / pool.costs
    chosen = cost_ratio.select(pool.view(8), count)
    np.testing.assert_allclose(chosen.score, -np.sort(-ratio)[:count], atol=1e-5)
    np.testing.assert_allclose(ratio[pool.where(chosen, 8)], chosen.score, atol=1e-5)


@given(seed=SEEDS, budget=st.integers(1, 60))
@settings(max_examples=40)
def test_it_gets_at_least_half_of_what_the_money_can_buy(seed: int, budget: int) -> None:
    pool = priced(seed, 9, budget)
    assert pool.costs is not None
    worth = margins(pool, range(9))
    batches = [list(c) for k in range(10) for c in combinations(range(9), k)]
    best = max(worth[rows].sum() for rows in batches if pool.costs[rows].sum() <= budget)
    rows = pool.where(cost_ratio.select(pool.view(), 9))
    assert pool.costs[rows].sum() <= budget
    assert worth[rows].sum() >= best / 2 - 1e-6


def test_one_dear_item_may_be_worth_more_than_all_the_cheap_ones() -> None:
    pool = priced(1, 3, budget=10)
    worth = margins(pool, range(3))
    order = np.argsort(-worth)
    assert pool.costs is not None and worth[order[0]] > worth[order[1]]
    # The best ratio by far, for which nothing else can be paid.
    pool.costs[:] = 11
    pool.costs[order[0]] = 10
    pool.costs[order[1]] = 10 * worth[order[1]] / worth[order[0]] / 2
    assert pool.where(cost_ratio.select(pool.view(), 3)) == [order[0]]


def test_what_cannot_be_paid_for_is_passed_over() -> None:
    pool = priced(2, 12, budget=15)
    assert pool.costs is not None
    chosen = cost_ratio.select(pool.view(), 12)
    rows = pool.where(chosen)
    left = 15 - pool.costs[rows].sum()
    assert left >= 0
    assert all(pool.costs[row] > left for row in range(12) if row not in rows)
    np.testing.assert_array_equal(chosen.components["cost"], pool.costs[rows])
    np.testing.assert_array_equal(chosen.components["spent"], np.cumsum(pool.costs[rows]))
    np.testing.assert_allclose(chosen.components["margin"], margins(pool, rows), atol=1e-5)


def test_without_money_there_is_no_batch() -> None:
    assert not len(cost_ratio.select(priced(2, 12, budget=0.5).view(), 5).row)


def test_without_costs_it_is_the_score() -> None:
    pool = modelled(3, excluded=0)
    best = np.argsort(-margins(pool, range(30)))[:5].tolist()
    assert pool.where(cost_ratio.select(pool.view(), 5)) == best
    three = replace(pool, parameters={"budget": 3.0})
    assert three.where(cost_ratio.select(three.view(), 5)) == best[:3]
    assert cost_ratio.select(pool.view(), 5).components["spent"][-1] == pytest.approx(5)


def test_awkward_pools() -> None:
    check_edges(cost_ratio.select)
