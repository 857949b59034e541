"""MaxHerding, against its naive twin and on clusters of unequal size."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.strategies import max_herding
from tests.strategies.herd_oracle import check_greedy
from tests.strategies.modelled import check_edges, modelled, rows_in_hash_order


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 8))
def test_it_picks_what_gains_most_coverage(seed: int, count: int) -> None:
    pool = modelled(seed, leased=2)
    rows = rows_in_hash_order(pool)
    chosen = max_herding.select(pool.view(), count)
    picks = [rows.index(row) for row in pool.where(chosen)]
    ones = np.ones(len(rows))
    check_greedy(
        picks, chosen.score.tolist(), pool.points[rows], ones, pool.anchors, "rbf", 1.0, count
    )


def clusters() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = np.eye(3)
    points = [
        c + 0.01 * rng.normal(size=(n, 3)) for c, n in zip(centres, (5, 50, 20), strict=True)
    ]
    return np.concatenate(points).astype(np.float32)


def test_it_goes_from_the_largest_cluster_to_the_smallest() -> None:
    pool = replace(modelled(0, 75, dimension=3, labels=0, excluded=0), points=clusters())
    rows = pool.where(max_herding.select(pool.view(), 3))
    assert [int(np.searchsorted([5, 55], row, side="right")) for row in rows] == [1, 2, 0]


def test_what_is_leased_needs_no_other_to_stand_for_it() -> None:
    pool = replace(modelled(0, 75, dimension=3, labels=0, leased=1, excluded=0), points=clusters())
    pool = replace(pool, anchors=np.array([[0, 2, 0]], np.float32))
    rows = pool.where(max_herding.select(pool.view(), 2))
    assert [int(np.searchsorted([5, 55], row, side="right")) for row in rows] == [2, 0]


def test_a_large_pool_is_covered_by_a_sample_of_it() -> None:
    pool = replace(modelled(1, 500, excluded=0.1), parameters={"rows": 100, "candidates": 30})
    chosen = max_herding.select(pool.view(), 5)
    sample = rows_in_hash_order(pool)[:100]
    assert set(pool.where(chosen)) <= set(sample[:30])
    assert chosen.score.sum() <= 1


def test_awkward_pools() -> None:
    check_edges(max_herding.select, may_fall_short=True)


def test_all_that_stand_apart_are_chosen_if_asked() -> None:
    pool = modelled(5, labels=0)
    assert len(max_herding.select(pool.view(), 100).row) == pool.open_count


def test_the_gain_is_told() -> None:
    chosen = max_herding.select(modelled(5).view(), 3)
    assert chosen.components["gain"] == pytest.approx(chosen.score)
