"""Exact neighbours, in slices or at once, are the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.core import CancelFlag, Engine
from alservice.index import exact
from alservice.index.exact import all_neighbours, neighbours_of, without_self
from alservice.index.pool_vectors import PoolVectors
from tests.contract.test_pool_indexing import blocks_of, cloud
from tests.index.test_approximate import quietly


@pytest.mark.parametrize("base_rows", [1, 7, 1000])
def test_a_sample_has_the_neighbours_that_everybody_has(
    monkeypatch: pytest.MonkeyPatch, base_rows: int
) -> None:
    monkeypatch.setattr(exact, "BASE_ROWS", base_rows)
    pool = PoolVectors(Engine(1), blocks_of(np.round(cloud(90, 2)), 31))  # with many ties
    rows = np.array([0, 3, 50, 89], np.int64)
    everybody = all_neighbours(pool, 6, quietly, CancelFlag())
    some = neighbours_of(pool, rows, 6, quietly, CancelFlag())
    for whole, part in zip(everybody, some, strict=True):
        np.testing.assert_array_equal(whole[rows], part)


@given(st.integers(1, 5), st.lists(st.permutations(range(7)), min_size=1, max_size=4))
def test_a_row_loses_itself_or_else_its_last_neighbour(count: int, found: list[list[int]]) -> None:
    numbers = np.array(found, np.int32)[:, :6]
    rows = np.full(len(found), 3, np.int64)
    kept, values = without_self(rows, numbers, numbers.astype(np.float32), count)
    expected = [[n for n in row if n != 3][:5][:count] for row in numbers.tolist()]
    assert kept.tolist() == expected
    assert values.tolist() == expected
