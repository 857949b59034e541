"""Facility location, against its naive twin and the best batch that there is."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.strategies import facility_location
from tests.strategies.herd_oracle import check_greedy, kernel, units
from tests.strategies.modelled import check_edges, modelled, rows_in_hash_order

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS, count=st.integers(1, 8))
def test_it_picks_what_gains_most_similarity(seed: int, count: int) -> None:
    pool = modelled(seed, leased=2)
    rows = rows_in_hash_order(pool)
    chosen = facility_location.select(pool.view(), count)
    picks = [rows.index(row) for row in pool.where(chosen)]
    ones = np.ones(len(rows))
    check_greedy(
        picks, chosen.score.tolist(), pool.points[rows], ones, pool.anchors, "dot", 1.0, count
    )


@given(seed=SEEDS)
@settings(max_examples=20)
def test_it_reaches_63_per_cent_of_the_best_batch(seed: int) -> None:
    pool = modelled(seed, 12, labels=0, excluded=0)
    points = units(pool.points)
    similar = kernel(points, points, "dot", 1)
    best = max(similar[:, list(c)].max(axis=1).sum() for c in combinations(range(12), 3))
    mine = similar[:, pool.where(facility_location.select(pool.view(), 3))].max(axis=1).sum()
    assert mine >= (1 - 1 / np.e) * best


def test_length_does_not_matter() -> None:
    pool = modelled(7)
    pool.points[:] *= np.random.default_rng(1).uniform(0.5, 2, (30, 1)).astype(np.float32)
    same = modelled(7)
    chosen = facility_location.select(pool.view(), 5)
    assert pool.where(chosen) == same.where(facility_location.select(same.view(), 5))


def test_awkward_pools() -> None:
    check_edges(facility_location.select, may_fall_short=True)
