"""Equal vectors, against a dictionary of tuples."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alservice.domain.distinct import distinct, distinct_rows
from alservice.domain.learner import F32
from tests.strategies.modelled import modelled

FEW = st.sampled_from([0.0, -0.0, 1.0, -2.5])
SHAPES = st.tuples(st.integers(0, 30), st.integers(0, 3))


@given(vectors=SHAPES.flatmap(lambda shape: arrays(np.float32, shape, elements=FEW)))
def test_it_finds_the_first_of_each_and_how_often_it_occurs(vectors: F32) -> None:
    seen: dict[tuple[float, ...], list[int]] = {}
    for row, vector in enumerate(vectors):
        seen.setdefault(tuple(float(v) for v in vector), []).append(row)
    found = distinct(vectors)
    assert found.first.tolist() == [rows[0] for rows in seen.values()]
    assert found.count.tolist() == [len(rows) for rows in seen.values()]


def test_rows_keep_their_scores_and_the_parts_of_them() -> None:
    pool = modelled(1, 20, excluded=0)
    pool.points[10:] = pool.points[:10]
    view = pool.view()
    assert view.scored is not None
    every = view.scored.top(20)
    rows, vectors = distinct_rows(view, every)
    assert sorted(row % 10 for row in pool.where(rows)) == list(range(10))
    np.testing.assert_array_equal(vectors, pool.points[pool.where(rows)])
    np.testing.assert_array_equal(rows.components["margin"], rows.score)
    order = pool.where(every)
    firsts = [row for at, row in enumerate(order) if row % 10 not in [r % 10 for r in order[:at]]]
    assert pool.where(rows) == firsts


def test_where_all_differ_nothing_changes() -> None:
    pool = modelled(2, 20, excluded=0)
    drawn = pool.view().sample(20)
    assert distinct_rows(pool.view(), drawn)[0] is drawn
