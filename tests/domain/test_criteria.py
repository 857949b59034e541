"""Criteria and their ranks, spelt out."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.criteria import criteria, rank_share
from alservice.scoring.scored import PoolScores
from tests.strategies.herd_oracle import units
from tests.strategies.modelled import margins, modelled


@given(st.lists(st.integers(-3, 3), max_size=12))
def test_a_rank_is_the_share_of_lower_values_and_half_of_the_equal(values: list[int]) -> None:
    v = np.array(values, np.float32)
    expected = [((v < x).sum() + (v == x).sum() / 2) / len(v) for x in v]
    np.testing.assert_allclose(rank_share(v), expected)


def test_one_outlier_moves_no_other_rank() -> None:
    plain = rank_share(np.array([1, 2, 3, 4], np.float32))
    np.testing.assert_array_equal(rank_share(np.array([1, 2, 3, 1e30], np.float32)), plain)


def test_each_criterion_is_what_it_says() -> None:
    costs = np.arange(1, 31, dtype=np.float32)
    pool = replace(modelled(2, leased=2), costs=costs)
    found = criteria(pool.view(9), 100)
    rows = pool.where(found.rows, 9)
    assert sorted(rows) == np.flatnonzero(~pool.excluded).tolist()
    points = pool.points[rows].astype(np.float64)
    apart = ((points[:, None] - pool.anchors[None]) ** 2).sum(axis=2).min(axis=1)
    np.testing.assert_allclose(found.apart, apart, rtol=1e-5)
    np.testing.assert_allclose(found.uncertainty, margins(pool, rows), atol=1e-5)
    cosine = units(points) @ units(points).mean(axis=0)
    np.testing.assert_allclose(found.representative, cosine, atol=1e-5)
    np.testing.assert_array_equal(found.cost, costs[rows])


def test_uncertainty_is_divided_by_the_cost_where_that_is_asked_for() -> None:
    costs = np.arange(1, 31, dtype=np.float32)
    view = replace(modelled(2), costs=costs).view(9)
    assert isinstance(view.scored, PoolScores)
    view = replace(view, scored=replace(view.scored, costs=view.costs, cost_exponent=1.0))
    found = criteria(view, 100)
    rows = modelled(2).where(found.rows, 9)
    expected = margins(modelled(2), rows) / costs[rows]
    np.testing.assert_allclose(found.uncertainty, expected, atol=1e-5)


def test_without_anchors_all_are_as_far() -> None:
    pool = modelled(2, labels=0)
    assert not criteria(pool.view(), 100).apart.any()
