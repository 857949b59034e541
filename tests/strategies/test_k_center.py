"""k-center, on points along a line and against a naive twin."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alservice.core import Block, Engine
from alservice.domain.learner import F32
from alservice.domain.strategy import PoolView
from alservice.strategies import k_center

ONE = Engine(1)


def pick(points: F32, anchors: F32, count: int) -> tuple[list[int], F32]:
    n = len(points)
    hashes = np.arange(n, dtype=np.uint64)
    block = Block(points, hashes, np.zeros((n + 7) // 8, np.uint8))
    ranked = k_center.select(PoolView(blocks=[block], anchors=anchors, seed=1, engine=ONE), count)
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
