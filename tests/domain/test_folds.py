"""Folds keep groups and near-duplicates whole, and spread classes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.domain import folds


def cloud(seed: int, n: int, d: int) -> folds.F32:
    rows = np.random.default_rng(seed).normal(size=(n, d)) / np.sqrt(d)
    return np.asarray(rows, dtype=np.float32)


def naive_components(n: int, pairs: list[tuple[int, int]]) -> list[int]:
    label = list(range(n))
    for a, b in pairs:
        old, new = sorted((label[a], label[b]), reverse=True)
        label = [new if x == old else x for x in label]
    return label


@given(st.integers(1, 30), st.data())
def test_components_are_those_of_merging_one_pair_at_a_time(n: int, data: st.DataObject) -> None:
    ends = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    pairs = data.draw(st.lists(ends, max_size=40))
    found = folds._components(n, np.array(pairs, dtype=np.int64).reshape(-1, 2))
    assert list(found) == naive_components(n, pairs)


@given(st.integers(0, 2**32), st.integers(2, 80), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_duplicates_never_stand_on_both_sides_of_a_split(seed: int, n: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = cloud(seed, n, 16)
    source = rng.integers(0, n, n)
    copies = vectors[source] + rng.normal(scale=1e-4, size=(n, 16)).astype(np.float32)
    rows = np.concatenate([vectors, copies])
    joined = folds.together(rows, None)
    fold = folds.assign(joined, rng.integers(0, 3, 2 * n), count)
    np.testing.assert_array_equal(fold[n:], fold[source])


@given(st.integers(0, 2**32), st.integers(1, 80), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_groups_never_stand_on_both_sides_of_a_split(seed: int, n: int, names: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, names, n)
    joined = folds.together(cloud(seed, n, 8), groups)
    fold = folds.assign(joined, rng.integers(0, 3, n), 5)
    for group in range(names):
        assert len(set(fold[groups == group])) <= 1


@given(st.integers(0, 2**32), st.integers(5, 200), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_without_groups_each_class_is_spread_to_within_one_row(
    seed: int, n: int, count: int
) -> None:
    classes = np.random.default_rng(seed).integers(0, 4, n)
    fold = folds.assign(np.arange(n), classes, count)
    for c in range(4):
        sizes = np.bincount(fold[classes == c], minlength=count)
        assert sizes.max() - sizes.min() <= 1
    sizes = np.bincount(fold, minlength=count)
    assert sizes.max() - sizes.min() <= 1


def test_neighbours_across_blocks_are_found() -> None:
    rows = cloud(4, 1_300, 32)
    rows[1_299], rows[700] = rows[3], rows[3]
    joined = folds.together(rows, None)
    assert joined[1_299] == joined[700] == joined[3]
    assert len(np.unique(joined)) == 1_298


def test_a_dense_line_is_not_chained_into_one_group() -> None:
    line = np.linspace(-1.7, 1.7, 2_000, dtype=np.float32).reshape(-1, 1)
    line[1_000] = line[5]
    joined = folds.together(line, None)
    assert len(np.unique(joined)) == 1_999
    assert joined[1_000] == joined[5]
