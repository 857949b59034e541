"""DropQuery, against passes made one row at a time."""

from dataclasses import replace

import numpy as np

from alservice.domain.head import LinearHead
from alservice.strategies import drop_query
from tests.strategies.blobs import asked_one_by_one, blobs
from tests.strategies.modelled import Modelled, check_edges, modelled, rows_in_hash_order


def naive(pool: Modelled, rows: list[int], passes: int, dropout: float, seed: int) -> list[int]:
    """In how many passes each of these rows changes class."""
    weights, bias = (a.astype(np.float64) for a in (pool.head.weights, pool.head.bias))
    random = np.random.default_rng(seed)
    masks = [random.random((len(rows), 4), np.float32) >= dropout for _ in range(passes)]
    changed = []
    for at, row in enumerate(rows):
        point = pool.points[row].astype(np.float64)
        usual = (weights @ point + bias).argmax()
        dropped = [point * mask[at] / (1 - dropout) for mask in masks]
        changed.append(sum(bool((weights @ d + bias).argmax() != usual) for d in dropped))
    return changed


def test_the_score_is_the_share_of_passes_that_change_the_class() -> None:
    for seed in range(5):
        pool = replace(modelled(seed), parameters={"passes": 7, "dropout": 0.5})
        order = rows_in_hash_order(pool, seed)
        changed = dict(zip(order, naive(pool, order, 7, 0.5, seed), strict=True))
        chosen = drop_query.select(pool.view(seed=seed), 8)
        expected = [changed[row] / 7 for row in pool.where(chosen)]
        np.testing.assert_allclose(chosen.score, expected, rtol=1e-6)


def test_only_what_changes_most_is_clustered() -> None:
    # The features of all but the first 30 rows agree: only with all four gone is it a draw.
    points = 1 + np.random.default_rng(2).random((2_000, 4), np.float32)
    points[:30] *= np.array([1, 1, 1, -2.7], np.float32)
    head = LinearHead(np.array([[1] * 4, [0] * 4], np.float32), np.zeros(2, np.float32))
    pool = replace(modelled(1, 2_000, excluded=0), points=points, head=head)
    pool = replace(pool, parameters={"passes": 25, "dropout": 0.25})
    for seed in range(5):
        chosen = drop_query.select(pool.view(seed=seed), 1)
        assert pool.where(chosen)[0] < 30
        assert chosen.score[0] > 0


def test_it_takes_one_of_each_group() -> None:
    found = blobs([8] * 10)
    assert len(set(found.of[found.pool.where(drop_query.select(found.pool.view(), 10))])) > 5


def test_twenty_who_ask_one_by_one_differ_as_much_as_one_batch() -> None:
    found = blobs([8] * 40, dimension=8)
    # Directions are clustered, so that groups must lie in different ones.
    pool = found.pool
    np.subtract(pool.points, 200 * found.of[:, None], out=pool.points, casting="same_kind")
    together = pool.where(drop_query.select(pool.view(), 40))
    apart = asked_one_by_one(drop_query.STRATEGY, pool, 20, 2)
    assert len(set(found.of[together])) == 40
    assert len(set(found.of[apart])) == 40


def test_awkward_pools() -> None:
    check_edges(drop_query.select, may_fall_short=True)
