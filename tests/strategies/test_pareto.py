"""Pareto fronts, against the definition."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alservice.strategies import pareto
from tests.strategies.modelled import check_edges, modelled

VALUES = arrays(np.float64, st.tuples(st.integers(0, 25), st.just(3)), elements=st.integers(0, 4))


def naive(values: np.ndarray) -> list[list[int]]:
    """Peel off, again and again, the rows that no other beats."""
    left, found = list(range(len(values))), []
    while left:
        front = [
            a
            for a in left
            if not any(
                (values[b] >= values[a]).all() and (values[b] > values[a]).any() for b in left
            )
        ]
        found.append(front)
        left = [row for row in left if row not in front]
    return found


@given(VALUES)
def test_fronts_are_what_is_left_unbeaten(values: np.ndarray) -> None:
    got = pareto.fronts(values, modelled(1).view())
    assert [front.tolist() for front in got] == naive(values)


def test_crowding_is_the_room_between_neighbours() -> None:
    values = np.array([[0, 4], [1, 3], [3, 1], [4, 0]], np.float64)
    np.testing.assert_allclose(pareto.crowding(values), [np.inf, 1.5, 1.5, np.inf])
    # A column that says nothing adds nothing.
    assert not pareto.crowding(np.ones((3, 2))).any()


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 30))
def test_no_item_left_out_beats_a_chosen_one(seed: int, count: int) -> None:
    costs = np.random.default_rng(seed).integers(1, 4, 30).astype(np.float32)
    pool = replace(modelled(seed, leased=1), costs=costs)
    names = ("uncertainty", "diversity", "representativeness", "cost")
    whole = pareto.select(pool.view(), 30)
    values = np.array([whole.components[name] for name in names]).T
    expected = naive(values.astype(np.float64))
    level = np.empty(len(values), np.int64)
    for number, front in enumerate(expected, 1):
        level[front] = number
    np.testing.assert_allclose(whole.score, 1 / level, rtol=1e-6)
    assert (np.diff(level) >= 0).all()
    few = pareto.select(pool.view(), count)
    assert pool.where(few) == pool.where(whole)[:count]


def test_the_most_extreme_of_the_first_front_come_first() -> None:
    chosen = pareto.select(modelled(3, excluded=0).view(), 3)
    whole = pareto.select(modelled(3, excluded=0).view(), 30)
    best = {n: whole.components[n].max() for n in ("uncertainty", "diversity")}
    for name, greatest in best.items():
        assert greatest in whole.components[name][:6]
    assert (chosen.score == 1).all()


def test_awkward_pools() -> None:
    check_edges(pareto.select)
