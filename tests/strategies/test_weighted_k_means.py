"""Weighted k-means, on groups that everybody sees and with weights that a loop computes."""

from dataclasses import replace

import numpy as np

from alservice.strategies import weighted_k_means
from tests.strategies.blobs import asked_one_by_one, blobs
from tests.strategies.modelled import check_edges, margins, modelled


def test_it_takes_the_row_nearest_to_the_weighted_mean_of_each_group_best_score_first() -> None:
    for seed in range(10):
        found = blobs([9, 30, 17, 5, 22], seed)
        pool = replace(found.pool, parameters={"beta": 100})
        score = margins(pool, range(len(found.of)))
        picked = []
        for group in range(5):
            rows = np.flatnonzero(found.of == group)
            mean = np.average(pool.points[rows].astype(np.float64), axis=0, weights=score[rows])
            picked.append(rows[np.linalg.norm(pool.points[rows] - mean, axis=1).argmin()])
        expected = sorted(picked, key=lambda row: -score[row])
        chosen = weighted_k_means.select(pool.view(seed=seed), 5)
        assert pool.where(chosen) == expected
        np.testing.assert_allclose(chosen.score, score[expected], rtol=1e-4)


def test_only_the_best_are_clustered() -> None:
    pool = replace(modelled(1, 200), parameters={"beta": 2})
    open_ = np.flatnonzero(~pool.excluded).tolist()
    best = [open_[at] for at in np.argsort(-margins(pool, open_))[:20]]
    chosen = pool.where(weighted_k_means.select(pool.view(), 10))
    assert set(chosen) <= set(best)
    assert len(chosen) == 10


def test_a_batch_of_one_is_the_best_score() -> None:
    pool = modelled(1, 200)
    open_ = np.flatnonzero(~pool.excluded).tolist()
    chosen = weighted_k_means.select(pool.view(), 1)
    assert pool.where(chosen) == [open_[margins(pool, open_).argmax()]]


def test_twenty_who_ask_one_by_one_cover_as_much_as_one_batch() -> None:
    found = blobs([8] * 40)
    together = weighted_k_means.select(found.pool.view(), 40)
    for each in (1, 2):
        apart = asked_one_by_one(weighted_k_means.STRATEGY, found.pool, 40 // each, each)
        assert len(set(found.of[found.pool.where(together)])) == 40
        assert len(set(found.of[apart])) == 40


def test_awkward_pools() -> None:
    check_edges(weighted_k_means.select, may_fall_short=True)
