"""SEALS, against neighbours found one by one, and with a neighbour graph."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.pool_index import PoolIndex
from alservice.scoring.scored import PoolScores
from alservice.strategies import seals
from tests.strategies.modelled import Modelled, check_edges, margins, modelled, rows_in_hash_order


def near(pool: Modelled, rows: list[int], each: int) -> set[int]:
    """The nearest `each` of these rows to any labelled item."""
    labelled = pool.anchors[pool.classes >= 0]
    apart = np.linalg.norm(pool.points[rows][:, None] - labelled[None], axis=2)
    order = np.argsort(apart, axis=0, kind="stable")[:each]
    return {rows[place] for place in order.reshape(-1)}


@given(seed=st.integers(0, 2**32 - 1), each=st.integers(1, 6), count=st.integers(1, 9))
def test_it_takes_the_best_scored_of_the_neighbours(seed: int, each: int, count: int) -> None:
    pool = replace(modelled(seed, labels=3, leased=2), parameters={"neighbours": float(each)})
    candidates = sorted(near(pool, rows_in_hash_order(pool), each))
    chosen = seals.select(pool.view(13), count)
    worth = np.sort(margins(pool, candidates))[::-1][:count]
    assert set(pool.where(chosen, 13)) <= set(candidates)
    np.testing.assert_allclose(chosen.score, worth, atol=1e-5)


def index(pool: Modelled, cut: int, each: int) -> PoolIndex:
    """An exact neighbour graph of all rows."""
    apart = np.linalg.norm(pool.points[:, None] - pool.points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    order = np.argsort(apart, axis=1)[:, :each]
    n = len(pool.points)
    return PoolIndex(
        artefact_id="a",
        offsets=np.array([0, cut, n], np.int64),
        neighbours=order.astype(np.int32),
        distances=np.take_along_axis(apart, order, axis=1).astype(np.float32),
        cluster=np.zeros(n, np.int32),
        centres=pool.points[:1],
        duplicate_of=np.arange(n, dtype=np.int32),
        recall=1.0,
    )


def test_the_graph_finds_neighbours_that_the_sample_has_not() -> None:
    pool = replace(modelled(3, 400, labels=2), parameters={"rows": 100.0, "neighbours": 5.0})
    plain = pool.view(150)
    assert plain.index is None
    with_graph = replace(plain, index=index(pool, 150, 8))
    few, more = (pool.where(seals.select(v, 400), 150) for v in (plain, with_graph))
    assert set(few) <= set(rows_in_hash_order(pool)[:100])
    assert set(few) < set(more)
    assert not pool.excluded[more].any()
    graph = index(pool, 150, 8).neighbours
    reached = {int(n) for row in few for n in graph[row]} | set(few)
    assert set(more) == {row for row in reached if not pool.excluded[row]}


def test_scores_are_divided_by_costs() -> None:
    costs = np.random.default_rng(2).uniform(0.5, 4, 200).astype(np.float32)
    pool = replace(
        modelled(3, 200, labels=2), parameters={"neighbours": 10.0, "rows": 200.0}, costs=costs
    )
    view = pool.view(90)
    assert isinstance(view.scored, PoolScores)
    view = replace(view, scored=replace(view.scored, costs=view.costs, cost_exponent=1.0))
    candidates = sorted(near(pool, rows_in_hash_order(pool), 10))
    worth = np.sort(margins(pool, candidates) / costs[candidates])[::-1][:6]
    np.testing.assert_allclose(seals.select(view, 6).score, worth, atol=1e-5)


def test_what_is_far_from_all_labels_is_not_chosen_however_uncertain() -> None:
    pool = replace(modelled(3, 200, labels=1, excluded=0), parameters={"neighbours": 10.0})
    chosen = pool.where(seals.select(pool.view(), 10))
    assert set(chosen) == near(pool, list(range(200)), 10)
    assert int(np.argmax(margins(pool, range(200)))) not in chosen


def test_awkward_pools() -> None:
    check_edges(seals.select, may_fall_short=True)
