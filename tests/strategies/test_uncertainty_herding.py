"""Uncertainty herding, against its naive twin, and between its two limits."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.core import Ranked
from alservice.domain.head import LinearHead
from alservice.domain.herding import as_is, bandwidth
from alservice.domain.pool_view import PoolView
from alservice.strategies import max_herding, uncertainty_herding
from tests.strategies.herd_oracle import check_greedy
from tests.strategies.modelled import check_edges, margins, modelled, rows_in_hash_order


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 8))
def test_it_picks_what_covers_most_uncertainty(seed: int, count: int) -> None:
    pool = modelled(seed, leased=2)
    rows = rows_in_hash_order(pool)
    chosen = uncertainty_herding.select(pool.view(), count)
    scale = bandwidth(pool.view(), pool.points[rows], 0.25)
    picks, told = [rows.index(row) for row in pool.where(chosen)], chosen.score.tolist()
    doubt = margins(pool, rows) ** 2
    check_greedy(picks, told, pool.points[rows], doubt, pool.anchors, "rbf", scale, count)


def test_the_uncertainty_of_each_pick_is_told() -> None:
    pool = modelled(5)
    chosen = uncertainty_herding.select(pool.view(), 4)
    told = chosen.components["uncertainty"]
    np.testing.assert_allclose(told, margins(pool, pool.where(chosen)), atol=1e-5)
    np.testing.assert_array_equal(chosen.components["gain"], chosen.score)


def test_where_labels_are_dense_it_picks_the_most_uncertain() -> None:
    # 2000 labels close to each other: a kernel so narrow that an item covers itself only.
    pool = modelled(5, 60, dimension=8, excluded=0)
    pool.points[1] = pool.points[0] + np.float32(1e-3)  # twins, so that it may be narrow
    anchors = np.random.default_rng(0).normal(size=(2_000, 2)) * 0.001 + [1, 0]
    far = np.concatenate([anchors, np.zeros((2_000, 6))], axis=1).astype(np.float32)
    dense = replace(pool, anchors=far, classes=np.zeros(2_000, np.int64))
    rows = np.flatnonzero(~pool.excluded)
    best = rows[np.argsort(-margins(pool, rows.tolist()))[:5]]
    chosen = uncertainty_herding.select(dense.view(), 5)
    assert set(dense.where(chosen)) == set(best.tolist())


def test_without_labels_and_without_doubt_it_is_max_herding() -> None:
    none = LinearHead(np.zeros((1, 4), np.float32), np.zeros(1, np.float32))
    pool = replace(modelled(5, labels=0), head=none)
    assert pool.where(uncertainty_herding.select(pool.view(), 6)) == pool.where(
        max_herding.select(pool.view(), 6)
    )


def test_of_a_large_pool_the_best_scored_and_some_drawn_are_candidates() -> None:
    pool = replace(modelled(6, 5_000, excluded=0), parameters={"rows": 500})
    chosen = pool.where(uncertainty_herding.select(pool.view(), 5))
    ranked = np.argsort(-margins(pool, range(5_000)), kind="stable")
    candidates = {*ranked[:2_000].tolist(), *rows_in_hash_order(pool)[:200]}
    assert len(set(chosen)) == 5 and set(chosen) <= candidates


@pytest.mark.parametrize(("labels", "few", "many"), [(1_200, 2_000, 5_000), (8_000, 0, 2_000)])
def test_beside_very_many_labels_fewer_are_candidates(labels: int, few: int, many: int) -> None:
    pool = modelled(6, 20_500, labels=labels, excluded=0)
    chosen = pool.where(uncertainty_herding.select(pool.view(), 100))
    ranks = np.argsort(np.argsort(-margins(pool, range(20_500)), kind="stable"))
    drawn = rows_in_hash_order(pool)[: many // 10]
    last = max(ranks[row] for row in chosen if row not in drawn)
    assert len(set(chosen)) == 100 and few <= last < many


def test_distances_may_be_those_of_the_vectors_as_they_are() -> None:
    pool = replace(modelled(5), parameters={"unit": 0.0, "power": 1.0})
    rows = rows_in_hash_order(pool)
    scale = bandwidth(pool.view(), pool.points[rows], 0.25, as_is)
    assert scale != pytest.approx(bandwidth(pool.view(), pool.points[rows], 0.25), rel=0.01)
    chosen = uncertainty_herding.select(pool.view(), 1)
    points = pool.points.astype(np.float64)
    similar = np.exp(-(((points[:, None] - points[None]) / scale) ** 2).sum(axis=2))
    held = np.exp(-(((points[:, None] - pool.anchors[None]) / scale) ** 2).sum(axis=2))
    gain = np.maximum(similar - held.max(axis=1, keepdims=True), 0)[rows]
    worth = margins(pool, rows) @ gain
    assert pool.where(chosen) == [max(rows, key=lambda row: worth[row])]


@pytest.mark.parametrize(("labels", "candidates"), [(6, 55), (15, 22), (30, 11), (90, 11)])
def test_with_a_focus_only_the_best_scored_are_candidates(labels: int, candidates: int) -> None:
    # (1 + 10 (2 - 1)) max(1, 10 * 3 / labels), for two items of three classes.
    pool = replace(modelled(6, 200, labels=labels, excluded=0), parameters={"focus": 10.0})
    ranked = np.argsort(-margins(pool, range(200)), kind="stable").tolist()
    some = pool.where(uncertainty_herding.select(pool.view(), 2))
    assert len(some) == 2 and set(some) <= set(ranked[:candidates])


def test_one_item_from_a_focused_model_that_has_learnt_is_the_best_scored() -> None:
    for seed in range(5):
        pool = replace(
            modelled(seed, 100, labels=40, excluded=0), parameters={"focus": 10.0, "unit": 0.0}
        )
        best = int(np.argmax(margins(pool, range(100))))
        assert pool.where(uncertainty_herding.select(pool.view(), 1)) == [best]


def test_where_all_is_covered_the_best_scored_follow() -> None:
    pool = modelled(6, 50, excluded=0)
    covered = replace(pool, anchors=pool.points.copy(), classes=np.zeros(50, np.int64))
    ranked = np.argsort(-margins(pool, range(50)), kind="stable").tolist()
    chosen = uncertainty_herding.select(covered.view(), 7)
    assert covered.where(chosen) == ranked[:7]
    np.testing.assert_allclose(chosen.score, 0, atol=1e-6)


def test_awkward_pools() -> None:
    check_edges(uncertainty_herding.select)


@pytest.mark.parametrize("parameters", [{"focus": 10.0}, {"unit": 0.0}, {"power": 0.0}])
def test_awkward_pools_with_other_parameters(parameters: dict[str, float]) -> None:
    def select(view: PoolView, count: int) -> Ranked:
        return uncertainty_herding.select(replace(view, parameters=parameters), count)

    check_edges(select)
