"""k-center, on points along a line and against a naive twin."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.core import Block, Engine
from alservice.domain.learner import F32
from alservice.domain.strategy import PoolView
from alservice.strategies import k_center
from tests.strategies.modelled import check_edges, modelled

ONE = Engine(1)


def pick(points: F32, anchors: F32, count: int) -> tuple[list[int], F32]:
    n = len(points)
    hashes = np.arange(n, dtype=np.uint64)
    block = Block(points, hashes, np.zeros((n + 7) // 8, np.uint8))
    view = PoolView(
        blocks=[block],
        anchors=anchors,
        anchor_classes=np.zeros(len(anchors), np.int64),
        class_count=1,
        seed=1,
        engine=ONE,
    )
    ranked = k_center.select(view, count)
    return [int(r) for r in ranked.row], ranked.score


def test_it_goes_to_the_far_ends_first() -> None:
    line = np.array([[0], [1], [2], [6], [10]], np.float32)
    picked, distances = pick(line, np.array([[0]], np.float32), 3)
    assert picked[0] == 4
    assert picked[1] == 3
    np.testing.assert_allclose(distances, [10, 4, 2])


def test_what_is_labelled_or_leased_counts_as_chosen() -> None:
    line = np.array([[0], [10]], np.float32)
    picked, _ = pick(line, np.array([[10]], np.float32), 2)
    assert picked == [0, 1]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 25), count=st.integers(1, 25))
def test_each_pick_is_the_farthest_from_all_before_it(seed: int, n: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 4)).astype(np.float32)
    anchors = rng.normal(size=(2, 4)).astype(np.float32)
    picked, distances = pick(points, anchors, count)
    chosen = list(anchors)
    for row, distance in zip(picked, distances, strict=True):
        nearest = np.array([min(np.linalg.norm(p - c) for c in chosen) for p in points])
        np.testing.assert_allclose(distance, nearest.max(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(nearest[row], nearest.max(), rtol=1e-5, atol=1e-6)
        chosen.append(points[row])


@given(seed=st.integers(0, 2**32 - 1), quantile=st.sampled_from([0.5, 0.8, 0.95]))
@settings(deadline=None)
def test_outliers_are_passed_over_while_others_are_left(seed: int, quantile: float) -> None:
    pool = replace(modelled(seed, 25, labels=2), parameters={"outlier_quantile": quantile})
    chosen = k_center.select(pool.view(10), 25)
    centres, left = list(pool.anchors), np.flatnonzero(~pool.excluded).tolist()
    for row, distance in zip(pool.where(chosen, 10), chosen.score, strict=True):
        nearest = [min(np.linalg.norm(pool.points[r] - c) for c in centres) for r in left]
        within = np.sort(nearest)[int(quantile * (len(left) - 1))]
        np.testing.assert_allclose(distance, within, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(nearest[left.index(row)], within, rtol=1e-4, atol=1e-6)
        centres.append(pool.points[row])
        left.remove(row)
    assert not left


def test_a_single_outlier_is_never_first() -> None:
    pool = replace(modelled(1, 100, labels=1, excluded=0), parameters={"outlier_quantile": 0.99})
    pool.points[3] = 1000
    assert 3 not in pool.where(k_center.select(pool.view(), 50))
    assert pool.where(k_center.select(replace(pool, parameters={}).view(), 1)) == [3]


def test_awkward_pools() -> None:
    check_edges(k_center.select)
    outliers = {"outlier_quantile": 0.9}
    check_edges(lambda view, n: k_center.select(replace(view, parameters=outliers), n))
