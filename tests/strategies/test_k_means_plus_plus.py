"""k-means++, against the probabilities that its definition gives."""

from dataclasses import replace

import numpy as np

from alservice.strategies import k_means_plus_plus
from tests.strategies.modelled import check_edges, modelled


def test_rows_are_drawn_with_odds_that_grow_with_the_squared_distance() -> None:
    pool = modelled(2, 8, labels=2, excluded=0.3)
    squares = ((pool.points[:, None].astype(np.float64) - pool.anchors) ** 2).sum(axis=2)
    odds = np.where(pool.excluded, 0, squares.min(axis=1))
    odds /= odds.sum()
    drawn, counts = 2_000, np.zeros(8)
    for seed in range(drawn):
        chosen = k_means_plus_plus.select(pool.view(seed=seed), 1)
        row = pool.where(chosen)[0]
        np.testing.assert_allclose(chosen.score, odds[row], rtol=1e-4)
        counts[row] += 1
    # Six standard deviations: fails by chance about once in 10^8.
    assert (np.abs(counts - drawn * odds) <= 6 * np.sqrt(drawn * odds * (1 - odds)) + 1e-9).all()


def test_each_probability_is_that_among_the_rows_left() -> None:
    pool = modelled(3, 12, labels=1, excluded=0)
    chosen = k_means_plus_plus.select(pool.view(), 12)
    centres = [pool.anchors[0].astype(np.float64)]
    for row, probability in zip(pool.where(chosen), chosen.components["propensity"], strict=True):
        nearest = [min(((p - c) ** 2).sum() for c in centres) for p in pool.points]
        np.testing.assert_allclose(probability, nearest[row] / np.sum(nearest), rtol=1e-3)
        centres.append(pool.points[row].astype(np.float64))


def test_copies_of_what_is_chosen_come_last() -> None:
    pool = modelled(4, 20, labels=0, excluded=0)
    pool.points[5:] = pool.points[5]
    pool = replace(pool, anchors=pool.points[:1])
    for seed in range(20):
        chosen = pool.where(k_means_plus_plus.select(pool.view(seed=seed), 20))
        assert len(set(map(tuple, pool.points[chosen[:5]]))) == 5


def test_awkward_pools() -> None:
    check_edges(k_means_plus_plus.select)
