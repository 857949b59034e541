"""TypiClust, against its definition on groups that everybody sees."""

from dataclasses import replace

import numpy as np

from alservice.domain.pool_index import PoolIndex
from alservice.strategies import typiclust
from tests.strategies.blobs import asked_one_by_one, blobs
from tests.strategies.modelled import check_edges

SIZES = [9, 50, 17, 5, 22, 4]


def typicality(points: np.ndarray) -> np.ndarray:
    """One over the mean distance to the nearest min(20, n / 2) others, all pairs, float64."""
    values = points.astype(np.float64)
    distance = np.linalg.norm(values[:, None] - values, axis=2)
    nearest = np.sort(distance, axis=1)[:, 1 : min(20, len(points) // 2) + 1]
    return np.asarray(1 / nearest.mean(axis=1))


def naive(points: np.ndarray, of: np.ndarray, held: dict[int, int], count: int) -> list[int]:
    """Rows in the order of picking, given the groups and how many anchors lie in each."""
    sizes = {g: int((of == g).sum()) + held.get(g, 0) for g in set(of.tolist())}
    ranked = {}
    for group in sizes:
        rows = np.flatnonzero(of == group)
        ranked[group] = rows[np.argsort(-typicality(points[rows]), kind="stable")].tolist()
    picks: list[int] = []
    for small in (False, True):
        turn = sorted(
            (g for g in sizes if (sizes[g] <= 5) == small),
            key=lambda g: (held.get(g, 0), -sizes[g]),
        )
        while len(picks) < count and any(ranked[g] for g in turn):
            picks += [ranked[g].pop(0) for g in turn if ranked[g]]
    return picks[:count]


def test_it_picks_the_most_typical_by_turns_large_groups_first_small_ones_at_the_end() -> None:
    for seed in range(8):
        found = blobs(SIZES, seed)
        # One anchor leaves as many clusters as groups when five are asked for.
        row = int(np.flatnonzero(found.of == seed % 6)[0])
        pool = replace(found.pool, anchors=found.pool.points[[row]], classes=np.array([0]))
        pool.excluded[row] = True
        of = found.of.copy()
        of[row] = -1
        inside = of >= 0
        expected = naive(pool.points[inside], of[inside], {seed % 6: 1}, 5)
        chosen = typiclust.select(pool.view(seed=seed), 5)
        assert pool.where(chosen) == np.flatnonzero(inside)[expected].tolist()


def test_clusters_too_small_have_a_turn_when_all_others_are_used_up() -> None:
    found = blobs([3, 4, 8])
    chosen = typiclust.select(found.pool.view(), 3)
    assert found.of[found.pool.where(chosen)].tolist() == [2, 2, 2]
    every = typiclust.select(found.pool.view(), 15)
    assert sorted(found.pool.where(every)) == list(range(15))
    few = blobs([3, 2])
    assert few.of[few.pool.where(typiclust.select(few.pool.view(), 2))].tolist() == [0, 1]


def test_the_score_is_the_typicality() -> None:
    found = blobs([30])
    chosen = typiclust.select(found.pool.view(), 1)
    np.testing.assert_allclose(chosen.score, typicality(found.pool.points).max(), rtol=1e-4)
    assert chosen.components["cluster_size"].tolist() == [30]


def test_copies_count_once() -> None:
    found = blobs([40, 12])
    pool = found.pool
    pool.points[found.of == 0] = pool.points[found.of == 0][0]
    assert found.of[pool.where(typiclust.select(pool.view(), 1))].tolist() == [1]


def test_known_neighbours_of_the_whole_pool_are_used() -> None:
    found = blobs([30])
    n = len(found.of)
    distances = np.full((n, 3), 1.0, np.float32)
    distances[:, 0] = 0
    distances[7, 1:] = 0.5, np.inf
    index = PoolIndex(
        artefact_id="a",
        offsets=np.array([0, n]),
        neighbours=np.zeros((n, 3), np.int32),
        distances=distances,
        cluster=np.zeros(n, np.int32),
        centres=np.zeros((1, 4), np.float32),
        duplicate_of=np.arange(n, dtype=np.int32),
        recall=1.0,
    )
    chosen = typiclust.select(replace(found.pool.view(), index=index), 2)
    assert found.pool.where(chosen)[0] == 7
    assert chosen.score.tolist() == [2, 1]


def test_near_duplicates_that_the_index_knows_make_no_item_typical() -> None:
    found = blobs([30])
    n = len(found.of)
    neighbours, distances = np.zeros((n, 3), np.int32), np.full((n, 3), 1.0, np.float32)
    group = np.arange(n, dtype=np.int32)
    # Three of one item, all but at the same place; their next neighbour is farther than others'.
    group[[4, 5, 6]] = 4
    neighbours[[4, 5, 6], :2] = [[5, 6], [4, 6], [4, 5]]
    distances[[4, 5, 6]] = 1e-6, 1e-6, 2.0
    distances[7] = 0.5
    index = PoolIndex(
        artefact_id="a",
        offsets=np.array([0, n]),
        neighbours=neighbours,
        distances=distances,
        cluster=np.zeros(n, np.int32),
        centres=np.zeros((1, 4), np.float32),
        duplicate_of=group,
        recall=1.0,
    )
    chosen = typiclust.select(replace(found.pool.view(), index=index), 1)
    assert found.pool.where(chosen) == [7]
    assert chosen.components["cluster_size"].tolist() == [28]


def test_twenty_who_ask_one_by_one_cover_as_much_as_one_batch() -> None:
    found = blobs([8] * 40)
    assert len(set(found.of[asked_one_by_one(typiclust.STRATEGY, found.pool, 20, 2)])) == 40


def test_awkward_pools() -> None:
    check_edges(typiclust.select, may_fall_short=True)
