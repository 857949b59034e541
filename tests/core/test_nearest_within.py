"""The nearest within groups of rows, against NumPy in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.core import Engine
from alservice.core.clustering import nearest_within, neighbours
from tests.core.test_clustering import ENGINE, F32, SIMD, gaps, rows


@given(
    vectors=rows,
    sizes=st.lists(st.integers(0, 30), max_size=4),
    k=st.integers(0, 25),
    seed=st.integers(0, 99),
)
@settings(max_examples=60)
def test_the_nearest_of_a_group_are_what_sorting_its_distances_gives(
    vectors: F32, sizes: list[int], k: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    groups = [random.permutation(len(vectors))[:size] for size in sizes]
    members = np.concatenate([np.empty(0, np.int64), *groups])
    counts = np.array([len(group) for group in groups], np.int64)
    wants = []
    for group in groups:
        apart = gaps(vectors[group], vectors[group])
        np.fill_diagonal(apart, np.inf)
        want = np.full((len(group), max(k, len(group))), np.inf)
        want[:, : len(group)] = np.sort(apart, axis=1)
        wants.append(want[:, :k])
    for simd in SIMD:
        found = nearest_within(Engine(2, simd), vectors, members, counts, k)
        np.testing.assert_allclose(found, np.concatenate([np.empty((0, k)), *wants]), rtol=1e-5)


def test_a_group_of_hundreds_is_as_near_as_its_neighbours() -> None:
    base = np.random.default_rng(0).normal(size=(700, 24)).astype(np.float32)
    base[300:310] = base[0]
    base[310, 0] = 1e4  # far from all: it must not hide how near the others are
    found = nearest_within(ENGINE, base, np.arange(700), np.array([700]), 20)
    assert found.tolist() == neighbours(ENGINE, base, base, 21)[1][:, 1:].tolist()


def test_a_member_that_is_no_row_is_refused() -> None:
    base = np.zeros((3, 2), np.float32)
    with pytest.raises(ValueError, match="members"):
        nearest_within(ENGINE, base, np.array([0, 3]), np.array([2]), 1)
    with pytest.raises(ValueError, match="members of the groups"):
        nearest_within(ENGINE, base, np.array([0, 1]), np.array([1]), 1)
