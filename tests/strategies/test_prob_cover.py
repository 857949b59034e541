"""ProbCover, against its naive twin; its radius against every radius that there is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.core.clustering import k_means, nearest_centres
from alservice.strategies import prob_cover
from tests.strategies.herd_oracle import check_greedy, units
from tests.strategies.modelled import ENGINE, check_edges, modelled, rows_in_hash_order

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS, count=st.integers(1, 8))
def test_each_pick_covers_the_most_that_nothing_covered(seed: int, count: int) -> None:
    pool = modelled(seed, leased=2)
    rows = rows_in_hash_order(pool)
    points = pool.points[rows]
    delta = prob_cover.radius(pool.view(), np.asarray(units(points), np.float32), 0.95)
    edge = np.abs(np.linalg.norm(units(points)[:, None] - units(points)[None], axis=2) - delta)
    chosen = prob_cover.select(pool.view(), count)
    if edge.min() > 1e-6:
        picks = [rows.index(row) for row in pool.where(chosen)]
        told, ones = chosen.score.tolist(), np.ones(len(rows))
        check_greedy(picks, told, points, ones, pool.anchors, "ball", delta, count)


@given(seed=SEEDS, purity=st.floats(0, 1))
def test_the_radius_is_the_largest_with_enough_pure_balls(seed: int, purity: float) -> None:
    pool = modelled(seed, 40)
    points = np.asarray(units(pool.points), np.float32)
    cluster = k_means(ENGINE, points, None, 3, 1).assignment
    apart = np.linalg.norm(points[:, None].astype(np.float64) - points[None], axis=2)
    foreign = cluster[:, None] != cluster[None]

    def pure(delta: float) -> float:
        return float(1 - ((apart <= delta) & foreign).any(axis=1).mean())

    delta = prob_cover.radius(pool.view(), points, purity)
    assert pure(delta) >= purity - 1e-9
    larger = apart[foreign & (apart > delta * (1 + 1e-4))]
    # Beyond the next distance at which a ball turns impure there are too few pure ones.
    steps = sorted({float(d) for d in apart.min(axis=1, where=foreign, initial=np.inf)})
    beyond = [d for d in steps if d > delta * (1 + 1e-4)]
    if beyond and larger.size and purity > 1 / 40:
        assert pure(beyond[0]) < purity


def test_balls_reach_no_foreign_row_of_a_pool_larger_than_what_is_measured() -> None:
    pool = modelled(5, 6_000, labels=0, excluded=0)
    points = np.asarray(units(pool.points), np.float32)
    cluster = k_means(ENGINE, points, None, 3, 1).assignment
    foreign = np.full(2_000, np.inf)
    for other in range(3):
        outside, those = np.flatnonzero(cluster[:2_000] != other), points[cluster == other]
        near = nearest_centres(ENGINE, points[outside], those)[1]
        foreign[outside] = np.minimum(foreign[outside], np.sqrt(near))
    delta = prob_cover.radius(pool.view(), points, 0.95)
    assert delta == pytest.approx(np.sort(foreign)[100], rel=1e-5)
    # Among themselves the 2000 are farther apart.
    assert delta < prob_cover.radius(pool.view(), points[:2_000], 0.95)


def test_it_stops_once_everything_is_covered() -> None:
    pool = modelled(3, 50, labels=0, excluded=0)
    chosen = prob_cover.select(pool.view(), 50)
    assert 0 < len(chosen.row) < 50
    assert chosen.score.sum() == pytest.approx(1)


def test_what_is_leased_covers_too() -> None:
    pool = modelled(3, 50, labels=0, excluded=0)
    first = prob_cover.select(pool.view(), 1)
    leased = replace(
        pool,
        anchors=pool.points[pool.where(first)],
        classes=np.array([-1]),
    )
    assert leased.where(prob_cover.select(leased.view(), 1)) != pool.where(first)
    second = pool.where(prob_cover.select(pool.view(), 2))[1]
    assert leased.where(prob_cover.select(leased.view(), 1)) == [second]


def test_awkward_pools() -> None:
    check_edges(prob_cover.select, may_fall_short=True)
