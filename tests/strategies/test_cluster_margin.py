"""Cluster-Margin, against a loop over the clusters."""

from dataclasses import replace

import numpy as np

from alservice.domain.pool_index import PoolIndex
from alservice.strategies import cluster_margin
from tests.strategies.blobs import asked_one_by_one, blobs
from tests.strategies.modelled import Modelled, check_edges, margins, modelled


def indexed(pool: Modelled, cluster: np.ndarray, centres: np.ndarray) -> PoolIndex:
    n = len(pool.points)
    return PoolIndex(
        artefact_id="a",
        offsets=np.array([0, n]),
        neighbours=np.zeros((n, 0), np.int32),
        distances=np.zeros((n, 0), np.float32),
        cluster=cluster.astype(np.int32),
        centres=centres.astype(np.float32),
        duplicate_of=np.arange(n, dtype=np.int32),
        recall=1.0,
    )


def naive(pool: Modelled, cluster: np.ndarray, centres: np.ndarray, count: int) -> list[int]:
    """Rounds over the clusters of the 3 (count + leased) best, one row from each, best first."""
    open_ = np.flatnonzero(~pool.excluded).tolist()
    held = pool.anchors[pool.classes < 0].astype(np.float64)
    score = margins(pool, open_)
    best = [open_[at] for at in np.argsort(-score)[: 3 * (count + len(held))]]
    waits = [int(np.linalg.norm(centres - h, axis=1).argmin()) for h in held]
    groups: dict[int, list[int]] = {}
    for row in best:
        groups.setdefault(int(cluster[row]), []).append(row)
    order = sorted(groups, key=lambda g: (len(groups[g]), best.index(groups[g][0])))
    picks: list[int] = []
    for round_ in range(len(best) + len(held)):
        turn = [g for g in order if round_ >= waits.count(g) and groups[g]]
        picks += [groups[g].pop(0) for g in turn]
    return picks[:count]


def test_it_goes_round_the_clusters_of_the_best_scored_smallest_first() -> None:
    for seed in range(20):
        pool = replace(modelled(seed, 80, labels=3, leased=seed % 4), parameters={"ratio": 3})
        centres = np.random.default_rng(seed).normal(size=(6, 4))
        cluster = np.linalg.norm(pool.points[:, None] - centres, axis=2).argmin(axis=1)
        view = replace(pool.view(), index=indexed(pool, cluster, centres))
        chosen = cluster_margin.select(view, 9)
        assert pool.where(chosen) == naive(pool, cluster, centres, 9)
        np.testing.assert_allclose(chosen.score, margins(pool, pool.where(chosen)), rtol=1e-4)


def test_without_an_index_it_makes_its_own_clusters() -> None:
    found = blobs([700, 200, 100])
    pool = replace(found.pool, parameters={"ratio": 100})
    chosen = cluster_margin.select(pool.view(), 10)
    assert set(found.of[pool.where(chosen)]) == {0, 1, 2}


def test_copies_count_once() -> None:
    pool = modelled(3, 60, excluded=0)
    pool.points[20:] = pool.points[20]
    chosen = pool.where(cluster_margin.select(pool.view(), 30))
    assert len(chosen) == 21


def test_twenty_who_ask_one_by_one_cover_as_much_as_one_batch() -> None:
    found = blobs([101] * 40)
    pool = replace(found.pool, parameters={"ratio": 100})
    together = pool.where(cluster_margin.select(pool.view(), 40))
    assert len(set(found.of[together])) == 40
    apart = asked_one_by_one(cluster_margin.STRATEGY, pool, 20, 2)
    assert len(set(found.of[apart])) == 40


def test_awkward_pools() -> None:
    check_edges(cluster_margin.select, may_fall_short=True)
