"""Equal vectors, against a dictionary of tuples."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alservice.domain.distinct import distinct, distinct_rows
from alservice.domain.learner import F32
from alservice.domain.pool_index import PoolIndex
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


def test_near_duplicates_that_the_index_knows_count_once() -> None:
    pool = modelled(1, 20, excluded=0)
    group = np.arange(20, dtype=np.int32)
    group[1:4], group[15:18] = 0, 5
    pool.excluded[0] = True  # the row that the group is called by
    view = pool.view(8)
    index = PoolIndex(
        artefact_id="a",
        offsets=np.array([0, 8, 20]),
        neighbours=np.zeros((20, 1), np.int32),
        distances=np.ones((20, 1), np.float32),
        cluster=np.zeros(20, np.int32),
        centres=np.zeros((1, 4), np.float32),
        duplicate_of=group,
        recall=1.0,
    )
    drawn = view.sample(20)
    rows, vectors = distinct_rows(replace(view, index=index), drawn)
    every, kept = pool.where(drawn, 8), pool.where(rows, 8)
    expected = [
        row for at, row in enumerate(every) if group[row] not in group[every[:at]].tolist()
    ]
    assert kept == expected
    assert len(kept) < len(every) and 0 in group[kept].tolist()
    np.testing.assert_array_equal(vectors, pool.points[kept])


def test_where_all_differ_nothing_changes() -> None:
    pool = modelled(2, 20, excluded=0)
    drawn = pool.view().sample(20)
    assert distinct_rows(pool.view(), drawn)[0] is drawn
