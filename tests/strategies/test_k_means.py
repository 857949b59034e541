"""k-means, on groups that everybody sees."""

from dataclasses import replace

import numpy as np

from alservice.strategies import k_means
from tests.strategies.blobs import asked_one_by_one, blobs
from tests.strategies.modelled import check_edges

SIZES = [9, 30, 17, 5, 22]


def test_it_takes_the_middle_of_each_group_the_largest_first() -> None:
    for seed in range(10):
        found = blobs(SIZES, seed)
        chosen = k_means.select(found.pool.view(seed=seed), 5)
        expected = []
        for group in np.argsort(SIZES)[::-1]:
            rows = np.flatnonzero(found.of == group)
            points = found.pool.points[rows].astype(np.float64)
            middle = np.linalg.norm(points - points.mean(axis=0), axis=1).argmin()
            expected.append(int(rows[middle]))
        assert found.pool.where(chosen) == expected
        assert chosen.score.tolist() == sorted(SIZES, reverse=True)


def test_groups_with_labelled_or_leased_items_come_last() -> None:
    found = blobs(SIZES)
    rows = [int(np.flatnonzero(found.of == group)[0]) for group in (1, 4)]
    pool = replace(found.pool, anchors=found.pool.points[rows], classes=np.array([0, -1]))
    for count in (1, 2, 3):
        chosen = k_means.select(pool.view(), count)
        groups = found.of[pool.where(chosen)]
        assert not set(groups) & {1, 4}


def test_copies_count_once() -> None:
    found = blobs([20, 6])
    pool = found.pool
    pool.points[found.of == 0] = pool.points[found.of == 0][0]
    chosen = k_means.select(pool.view(), 2)
    assert found.of[pool.where(chosen)].tolist() == [1, 0]
    assert chosen.score.tolist() == [6, 1]


def test_twenty_who_ask_one_by_one_cover_as_much_as_one_batch() -> None:
    found = blobs([8] * 40)
    together = k_means.select(found.pool.view(), 40)
    apart = asked_one_by_one(k_means.STRATEGY, found.pool, 20, 2)
    assert len(set(found.of[found.pool.where(together)])) == 40
    assert len(set(found.of[apart])) == 40


def test_more_than_there_are_clusters_for_are_still_found() -> None:
    found = blobs([700] * 3)
    chosen = k_means.select(found.pool.view(), 900)
    assert len(set(found.pool.where(chosen))) == 900


def test_awkward_pools() -> None:
    check_edges(k_means.select, may_fall_short=True)
