"""Clusters of rows and of what others hold."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.core.clustering import k_means
from alservice.domain.clusters import MOST, cluster_count, clusters, leased
from tests.strategies.modelled import ENGINE, modelled


@given(seed=st.integers(0, 2**32), n=st.integers(1, 40), m=st.integers(0, 9), k=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_each_begins_with_its_row_nearest_to_the_centre_and_goes_on_in_the_order_given(
    seed: int, n: int, m: int, k: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(-2, 3, (n, 2)).astype(np.float32)
    held = rng.integers(-2, 3, (m, 2)).astype(np.float32)
    found = clusters(modelled(1).view(seed=3), rows, held, k)
    known = k_means(ENGINE, np.concatenate([rows, held]), None, min(k, n + m), 3)
    assert sorted(found.member) == list(range(n))
    for start, size, count in zip(found.start, found.size, found.held, strict=True):
        own = found.member[start : start + size].tolist()
        cluster = known.assignment[own[0]]
        assert sorted(own) == np.flatnonzero(known.assignment[:n] == cluster).tolist()
        assert own[1:] == sorted(own[1:])
        assert known.squared[own[0]] == known.squared[own].min()
        assert count == (known.assignment[n:] == cluster).sum()


def test_serving_goes_by_turns_and_a_cluster_that_others_hold_waits() -> None:
    rows = np.array([[0], [1], [2], [100], [101], [200]], np.float32)
    held = np.array([[0.9], [201]], np.float32)
    found = clusters(modelled(1).view(), rows, held, 3)
    order = np.argsort(-found.size, kind="stable")
    picks, cluster = found.serve(order, 6)
    assert picks[0] in {3, 4}
    assert picks[1] == 1
    assert sorted(picks) == list(range(6))
    assert found.size[cluster[0]] == 2


def test_equal_weights_of_nothing_are_equal_weights() -> None:
    pool = modelled(1, 30, excluded=0)
    none = np.zeros((0, 4), np.float32)
    plain = clusters(pool.view(), pool.points, none, 5)
    zero = clusters(pool.view(), pool.points, none, 5, np.zeros(30, np.float32))
    assert plain.member.tolist() == zero.member.tolist()


def test_heavy_rows_draw_centres_to_themselves() -> None:
    rows = np.array([[0], [1], [2]], np.float32)
    none = np.zeros((0, 1), np.float32)
    found = clusters(modelled(1).view(), rows, none, 1, np.array([9, 1, 1], np.float32))
    assert found.member[0] == 0


def test_there_is_a_cluster_for_each_row_asked_for_and_each_held_up_to_a_limit() -> None:
    assert cluster_count(10, 190) == 200
    assert cluster_count(10, MOST) == MOST
    assert cluster_count(2 * MOST, 0) == MOST


def test_the_leased_are_the_anchors_without_a_class() -> None:
    pool = modelled(1, labels=2, leased=3)
    np.testing.assert_array_equal(leased(pool.view()), pool.anchors[2:])
