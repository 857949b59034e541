"""What the herding family shares, against plain NumPy in float64."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain import herding
from tests.strategies.herd_oracle import check_greedy, kernel, units
from tests.strategies.modelled import ENGINE, modelled

SEEDS = st.integers(0, 2**32 - 1)
KERNELS = st.sampled_from([("rbf", 0.3), ("rbf", 1.0), ("ball", 0.7), ("dot", 1.0)])


@given(seed=SEEDS, which=KERNELS)
def test_what_is_covered_is_the_greatest_kernel_to_an_anchor(
    seed: int, which: tuple[str, float]
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(20, 3)).astype(np.float32)
    anchors = rng.normal(size=(int(rng.integers(0, 4)), 3)).astype(np.float32)
    rows[:2] = 0
    anchors[:1] = 0
    rows, anchors = herding.unit(rows), herding.unit(anchors)
    got = herding.covered(ENGINE, rows, anchors, *which, None)
    expected = kernel(units(rows), units(anchors), *which).max(axis=1, initial=0)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_unit_vectors_have_norm_one_and_zero_stays_zero() -> None:
    rows = np.array([[3, 4], [0, 0], [1e-30, 0], [3e38, 3e38]], np.float32)
    half = np.sqrt(0.5)
    expected = np.array([[0.6, 0.8], [0, 0], [1, 0], [half, half]])
    np.testing.assert_allclose(herding.unit(rows), expected, rtol=1e-6)


def test_the_bandwidth_narrows_as_labels_come() -> None:
    pool = modelled(1, 400, labels=300)
    few = replace(pool, anchors=pool.anchors[:10], classes=pool.classes[:10])
    wide, narrow = (herding.bandwidth(each.view(), pool.points, 0.05) for each in (few, pool))
    assert 0 < narrow < wide


def test_the_bandwidth_is_the_quantile_of_the_distances_between_labelled_neighbours() -> None:
    pool = modelled(1, 400, labels=5, leased=3)
    labelled = units(pool.anchors[:5])
    apart = np.linalg.norm(labelled[:, None] - labelled[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    got = herding.bandwidth(pool.view(), pool.points, 0.25)
    assert got == pytest.approx(np.quantile(apart.min(axis=1), 0.25), rel=1e-4)


def test_twins_among_the_labelled_do_not_shut_the_kernel() -> None:
    pool = modelled(1, 400, labels=6)
    twins = replace(pool, anchors=np.repeat(pool.anchors[:3], 2, axis=0))
    assert herding.bandwidth(twins.view(), pool.points, 0.05) > 0.001
    equal = replace(twins, points=np.ones_like(pool.points))
    assert herding.bandwidth(equal.view(), equal.points, 0.05) == 1


@pytest.mark.parametrize("labels", [0, 1])
def test_without_two_labels_the_bandwidth_is_one(labels: int) -> None:
    pool = modelled(1, labels=labels, leased=4)
    assert herding.bandwidth(pool.view(), pool.points, 0.05) == 1


def test_each_row_of_a_small_pool_stands_for_itself() -> None:
    pool = modelled(1, excluded=0.3)
    where = herding.uniform_stage(pool.view(), 30, 5)
    assert where.candidates == len(where.vectors) == pool.open_count
    assert (where.weights == 1).all()
    np.testing.assert_array_equal(where.uniform, where.vectors)


def test_of_a_large_pool_candidates_stand_for_themselves_and_the_sample_for_the_rest() -> None:
    pool = modelled(1, 1_000, excluded=0.3)
    where = herding.uniform_stage(pool.view(), 200, 50)
    assert where.candidates == 50 and len(where.vectors) == 200
    assert (where.weights[:50] == 1).all()
    assert where.weights.sum() == pytest.approx(pool.open_count, rel=1e-5)
    np.testing.assert_array_equal(where.uniform, where.vectors[50:])


def test_the_estimate_is_close_to_the_gain_over_the_whole_pool() -> None:
    pool = modelled(1, 3_000, labels=20, excluded=0)
    where = herding.uniform_stage(pool.view(), 1_500, 300)
    index, gain = herding.herded(pool.view(), where, where.weights, "rbf", 0.5, 1)
    points = units(pool.points)
    before = kernel(points, units(pool.anchors), "rbf", 0.5).max(axis=1)
    after = kernel(points, units(where.vectors[index]), "rbf", 0.5)[:, 0]
    assert gain[0] == pytest.approx(np.maximum(after - before, 0).mean(), rel=0.15)


@given(seed=SEEDS, which=KERNELS, count=st.integers(1, 12))
def test_the_greedy_picks_are_those_of_the_naive_twin(
    seed: int, which: tuple[str, float], count: int
) -> None:
    pool = modelled(seed, 25, labels=seed % 3)
    where = herding.uniform_stage(pool.view(), 30, 5)
    weights = np.random.default_rng(seed).random(len(where.vectors)).astype(np.float32)
    index, gain = herding.herded(pool.view(), where, weights, *which, count)
    check_greedy(
        index.tolist(), gain.tolist(), where.vectors, weights, pool.anchors, *which, count
    )


@given(st.integers(0, 10**7), st.integers(1, 200_000))
def test_few_rows_stand_for_the_pool_beside_very_many_labels(labels: int, cap: int) -> None:
    pool = replace(modelled(1, 4, labels=2).view(), anchors=np.empty((labels, 0), np.float32))
    rows = herding.affordable(pool, cap)
    assert min(cap, 1_000) <= rows <= cap
    assert rows == cap or rows * labels <= max(24_000_000, 1_000 * labels)


def test_a_part_is_spread_evenly_and_all_are_taken_where_they_fit() -> None:
    vectors = np.arange(10, dtype=np.float32)[:, None]
    assert herding.evenly(vectors, 10) is vectors
    assert herding.evenly(vectors, 4)[:, 0].tolist() == [0, 2, 5, 7]


def test_the_bandwidth_of_very_many_labels_is_close_to_that_of_a_part() -> None:
    pool = modelled(1, 6_000, labels=5_000)
    whole = herding.spacing(ENGINE, herding.unit(pool.anchors), herding.unit(pool.anchors), None)
    got = herding.bandwidth(pool.view(), pool.points, 0.25)
    assert got == pytest.approx(np.quantile(whole, 0.25), rel=0.1)


def test_a_sample_is_smaller_beside_very_many_labels() -> None:
    pool = modelled(1, 30_000, labels=8_000).view()
    assert len(herding.uniform_stage(pool, 20_000, 500).rows.row) == 3_000
