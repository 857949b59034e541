"""BAIT, against its naive twin: every trace solved afresh."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.strategies import bait
from tests.strategies.fisher_oracle import Fisher
from tests.strategies.modelled import check_edges, modelled, rows_in_hash_order


def naive(fisher: Fisher, count: int) -> list[int]:
    """Twice as many picks as asked, each the best; then the most dispensable dropped."""
    n = len(fisher.rows)
    chosen: list[int] = []
    for _ in range(min(2 * count, n)):
        left = [row for row in range(n) if row not in chosen]
        chosen.append(min(left, key=lambda row: fisher.trace([*chosen, row])))
    while len(chosen) > count:
        chosen.remove(min(chosen, key=lambda row: fisher.trace([r for r in chosen if r != row])))
    return chosen


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 5))
@settings(max_examples=30)
def test_the_picks_are_those_of_the_naive_twin(seed: int, count: int) -> None:
    pool = modelled(seed, 20, leased=2)
    rows = rows_in_hash_order(pool)
    fisher = Fisher(pool, rows)
    picks = [rows.index(row) for row in pool.where(bait.select(pool.view(), count))]
    expected = naive(fisher, count)
    # Traces that differ by rounding only may lead elsewhere, but not to a worse batch.
    assert picks == expected or fisher.trace(picks) == pytest.approx(
        fisher.trace(expected), rel=1e-3
    )


def test_scores_are_the_shares_of_the_trace_that_picks_take_away() -> None:
    pool = modelled(3)
    rows = rows_in_hash_order(pool)
    fisher = Fisher(pool, rows)
    chosen = bait.select(pool.view(), 4)
    picks = [rows.index(row) for row in pool.where(chosen)]
    traces = np.array([fisher.trace(picks[:k]) for k in range(5)])
    np.testing.assert_allclose(chosen.score, -np.diff(traces) / traces[0], rtol=1e-3)


def test_it_beats_a_random_batch_at_what_it_is_for() -> None:
    pool = modelled(3, 200, dimension=8)
    rows = rows_in_hash_order(pool)
    fisher = Fisher(pool, rows)
    mine = fisher.trace([rows.index(row) for row in pool.where(bait.select(pool.view(), 8))])
    rng = np.random.default_rng(0)
    chance = [fisher.trace(rng.choice(len(rows), 8, replace=False).tolist()) for _ in range(50)]
    assert mine < min(chance)


def test_awkward_pools() -> None:
    check_edges(bait.select)
