"""Clusters and neighbours against NumPy in double precision."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from alservice.core import CancelFlag, Cancelled, Engine, bf16_from_f32
from alservice.core import _native as native
from alservice.core.clustering import k_means, k_means_plus_plus, nearest_centres, neighbours

SIMD = ["scalar", native.build_info()["simd"]]
ENGINE = Engine(2)
F32 = NDArray[np.float32]

rows = st.tuples(
    st.integers(1, 60),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["", "coarse"]),
).map(lambda of: _rows(*of))


def _rows(n: int, d: int, seed: int, kind: str) -> F32:
    """Diffuse rows, or rows with few distinct values and hence many ties and duplicates."""
    random = np.random.default_rng(seed)
    if kind == "coarse":
        return random.integers(-1, 2, (n, d)).astype(np.float32)[random.integers(0, n, n)]
    return random.normal(random.normal(0, 3), 1, (n, d)).astype(np.float32)


def _others(like: F32, m: int, seed: int) -> F32:
    """Some of the rows, so that distances of 0 occur, and some that are not among them."""
    random = np.random.default_rng(seed)
    picked = like[random.integers(0, len(like), m)]
    new = random.random(m) < 0.5
    picked[new] += random.integers(-1, 2, (int(new.sum()), like.shape[1])).astype(np.float32)
    return picked


def gaps(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    return np.asarray(((wide_a[:, None] - wide_b[None]) ** 2).sum(axis=2))


@given(vectors=rows, m=st.integers(1, 20), seed=st.integers(0, 99), dtype=st.sampled_from("fhb"))
@settings(max_examples=60)
def test_the_nearest_centre_is_the_nearest_and_the_first_of_equals(
    vectors: F32, m: int, seed: int, dtype: str
) -> None:
    given_: NDArray[Any] = vectors
    if dtype == "h":
        given_ = vectors.astype(np.float16)
        vectors = given_.astype(np.float32)
    if dtype == "b":
        given_ = bf16_from_f32(vectors)
        vectors = (given_.astype(np.uint32) << 16).view(np.float32)
    centres = _others(vectors, m, seed)
    want = gaps(vectors, centres)
    for simd in SIMD:
        index, squared = nearest_centres(Engine(2, simd), given_, centres)
        np.testing.assert_allclose(squared, want.min(axis=1), rtol=1e-5)
        own = want[np.arange(len(index)), index]
        np.testing.assert_allclose(own, want.min(axis=1), rtol=1e-5)
        whole = (vectors == np.round(vectors)).all() and (centres == np.round(centres)).all()
        if whole:
            assert index.tolist() == want.argmin(axis=1).tolist()


def test_near_duplicates_far_from_the_origin_keep_their_digits() -> None:
    base = np.full((3, 384), 1000, np.float32)
    base[1] += np.float32(0.001)
    base[2, 0] += 1
    _, squared = nearest_centres(ENGINE, base, base[:1])
    assert squared.tolist() == gaps(base, base[:1])[:, 0].astype(np.float32).tolist()


@given(vectors=rows, m=st.integers(1, 40), k=st.integers(0, 25), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_neighbours_are_what_sorting_all_distances_gives(
    vectors: F32, m: int, k: int, seed: int
) -> None:
    queries = _others(vectors, m, seed)
    want = gaps(queries, vectors)
    order = np.argsort(want, axis=1, kind="stable")[:, :k]
    for simd in SIMD:
        index, squared = neighbours(Engine(1, simd), queries, vectors, k)
        found = min(k, len(vectors))
        assert index.shape == squared.shape == (m, k)
        assert (index[:, found:] == -1).all()
        assert np.isinf(squared[:, found:]).all()
        best = np.take_along_axis(want, order, axis=1)
        np.testing.assert_allclose(squared[:, :found], best, rtol=1e-5)
        if (vectors == np.round(vectors)).all():
            assert index[:, :found].tolist() == order.tolist()


def test_hundreds_of_rows_have_the_same_neighbours_as_few() -> None:
    base = np.random.default_rng(0).normal(size=(1000, 24)).astype(np.float32)
    index, squared = neighbours(ENGINE, base, base, 7)
    assert index[:, 0].tolist() == list(range(1000))
    order = np.argsort(gaps(base, base), axis=1)[:, :7]
    assert index.tolist() == order.tolist()
    nearest, gap = nearest_centres(ENGINE, base[:99], base)
    assert (nearest.tolist(), gap.tolist()) == (index[:99, 0].tolist(), squared[:99, 0].tolist())


@given(
    vectors=rows,
    share=st.floats(0, 1),
    seed=st.integers(0, 2**64 - 1),
    iterations=st.integers(0, 12),
    levels=st.sampled_from([1, 3]),
)
@settings(max_examples=60)
def test_clusters_are_nearest_and_no_worse_than_their_start(
    vectors: F32, share: float, seed: int, iterations: int, levels: int
) -> None:
    k = 1 + int(share * (len(vectors) - 1))
    weights = None
    if levels > 1:
        weights = np.random.default_rng(3).integers(0, levels, len(vectors)).astype(np.float32)
    found = k_means(ENGINE, vectors, weights, k, seed, iterations)
    assert found.centres.shape == (k, vectors.shape[1])
    index, squared = nearest_centres(ENGINE, vectors, found.centres)
    assert index.tolist() == found.assignment.tolist()
    assert squared.tolist() == found.squared.tolist()
    cost = squared.astype(np.float64) * (1 if weights is None else weights)
    start = k_means(ENGINE, vectors, weights, k, seed, 0)
    before = start.squared.astype(np.float64) * (1 if weights is None else weights)
    assert cost.sum() <= before.sum() * (1 + 1e-5) + 1e-9


def test_an_iteration_moves_centres_to_means() -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(300, 20)).astype(np.float32)
    weights = random.random(300).astype(np.float32)
    start = k_means(ENGINE, vectors, weights, 9, 4, iterations=0)
    found = k_means(ENGINE, vectors, weights, 9, 4, iterations=1)
    for cluster, centre in enumerate(found.centres):
        own = start.assignment == cluster
        mean = np.average(vectors[own].astype(np.float64), axis=0, weights=weights[own])
        np.testing.assert_allclose(centre, mean, rtol=1e-5, atol=1e-6)


def test_clusters_are_as_tight_as_those_of_another_library() -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(2000, 16)).astype(np.float32)
    vectors += 2 * random.normal(size=(20, 16)).astype(np.float32)[random.integers(0, 20, 2000)]
    ours = [k_means(ENGINE, vectors, None, 30, seed).squared.sum() for seed in range(3)]
    theirs = [KMeans(30, n_init=1, random_state=seed).fit(vectors).inertia_ for seed in range(3)]
    assert min(ours) <= 1.03 * max(theirs)


def test_clusters_apart_are_found() -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 12, 600)
    vectors = (10 * random.normal(size=(12, 32))[truth] + random.normal(size=(600, 32))) / 9
    found = k_means(ENGINE, vectors.astype(np.float32), None, 12, 2)
    pairs = {(int(a), int(b)) for a, b in zip(truth, found.assignment, strict=True)}
    # k-means++ may place two seeds in one cluster, which Lloyd does not always undo.
    assert len(pairs) <= 16


@pytest.mark.parametrize("k", [1, 3, 5])
def test_equal_rows_fill_one_cluster(k: int) -> None:
    found = k_means(ENGINE, np.ones((5, 3), np.float32), None, k, 0)
    assert found.assignment.tolist() == [0] * 5
    assert found.squared.tolist() == [0] * 5
    assert (found.centres == 1).all()


@given(
    vectors=rows,
    anchors=st.integers(0, 3),
    k=st.integers(0, 70),
    seed=st.integers(0, 2**64 - 1),
    levels=st.sampled_from([1, 3]),
)
@settings(max_examples=80)
def test_draws_are_distinct_and_have_the_probability_they_say(
    vectors: F32, anchors: int, k: int, seed: int, levels: int
) -> None:
    n = len(vectors)
    chosen = _others(vectors, anchors, seed % 99)
    weights = np.random.default_rng(7).integers(0, levels, n).astype(np.float32)
    index, probability = k_means_plus_plus(
        ENGINE, vectors, weights if levels > 1 else None, chosen, k, seed
    )
    assert len(set(index.tolist())) == len(index) == len(probability) == min(k, n)
    left = np.ones(n, bool)
    for row, chance in zip(index, probability, strict=True):
        near = gaps(vectors, chosen).min(axis=1) if len(chosen) else np.ones(n)
        weight = weights.astype(np.float64) if levels > 1 else np.ones(n)
        mass = weight * near * left
        if not mass.any():
            mass = weight * left
        if not mass.any():
            mass = 1.0 * left
        assert chance == pytest.approx(mass[row] / mass.sum(), rel=1e-4)
        left[row] = False
        chosen = np.concatenate([chosen, vectors[row : row + 1]])


def test_draws_follow_the_law_of_k_means_plus_plus() -> None:
    # The second of two draws from 0, 1, 3 with the anchor 0: enumerable. 4000 draws; a share is
    # off by 0.05, more than six standard deviations, with probability below 1e-8.
    vectors, anchor = np.array([[0], [1], [3]], np.float32), np.zeros((1, 1), np.float32)
    seeds = range(4000)
    drawn = [k_means_plus_plus(ENGINE, vectors, None, anchor, 2, seed)[0] for seed in seeds]
    first = np.mean([draw[0] == 1 for draw in drawn])
    assert abs(first - 0.1) < 0.05
    assert all({int(draw[0]), int(draw[1])} == {1, 2} for draw in drawn)
    four = np.array([[0], [1], [2], [4]], np.float32)
    pairs = [k_means_plus_plus(ENGINE, four, None, anchor, 2, seed)[0].tolist() for seed in seeds]
    # First 4 (16/21), then 1 (1) against 2 (4): 1/5.
    assert abs(np.mean([pair == [3, 1] for pair in pairs]) - 16 / 21 / 5) < 0.05


def test_threads_change_nothing() -> None:
    random = np.random.default_rng(2)
    vectors = (random.normal(size=(30, 48))[random.integers(0, 30, 5000)]).astype(np.float32)
    vectors += random.normal(size=vectors.shape).astype(np.float32) / 4
    weights = random.random(5000).astype(np.float32)
    for simd in SIMD:
        one, three = Engine(1, simd), Engine(3, simd)
        a, b = (k_means(engine, vectors, weights, 40, 5, 4) for engine in (one, three))
        assert a.centres.tobytes() == b.centres.tobytes()
        assert a.squared.tobytes() == b.squared.tobytes()
        for engine in (one, three):
            drawn = k_means_plus_plus(engine, vectors, weights, vectors[:2], 60, 5)
            again = k_means_plus_plus(one, vectors, weights, vectors[:2], 60, 5)
            assert [part.tobytes() for part in drawn] == [part.tobytes() for part in again]
        near = [neighbours(engine, vectors[:200], vectors, 9) for engine in (one, three)]
        assert near[0][1].tobytes() == near[1][1].tobytes()


NAN = np.full((4, 3), np.nan, np.float32)
ROWS = np.ones((4, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: nearest_centres(ENGINE, ROWS, ROWS[:0]), "centres"),
        (lambda: nearest_centres(ENGINE, NAN, ROWS), "vectors .row.: .* position 0 .* finite"),
        (lambda: nearest_centres(ENGINE, ROWS, NAN), "centres .row."),
        (lambda: nearest_centres(ENGINE, ROWS, np.ones((1, 2), np.float32)), "dimension"),
        (lambda: nearest_centres(ENGINE, ROWS[:, :0].copy(), ROWS[:, :0].copy()), "values"),
        (lambda: k_means(ENGINE, ROWS, None, 0, 0), "clusters"),
        (lambda: k_means(ENGINE, ROWS, None, 5, 0), "rows"),
        (lambda: k_means(ENGINE, NAN, None, 2, 0), "finite"),
        (lambda: k_means(ENGINE, ROWS, np.ones(3, np.float32), 2, 0), "weights"),
        (lambda: k_means(ENGINE, ROWS, -np.ones(4, np.float32), 2, 0), "weights"),
        (lambda: k_means(ENGINE, ROWS, NAN[:, 0].copy(), 2, 0), "weights"),
        (lambda: k_means_plus_plus(ENGINE, ROWS, None, NAN, 2, 0), "anchors"),
        (lambda: k_means_plus_plus(ENGINE, NAN, None, ROWS, 2, 0), "vectors"),
        (lambda: k_means_plus_plus(ENGINE, ROWS, None, ROWS, 2, -1), "seed"),
        (lambda: neighbours(ENGINE, NAN, ROWS, 2), "queries"),
        (lambda: neighbours(ENGINE, ROWS, NAN, 2), "base"),
        (lambda: neighbours(ENGINE, ROWS, ROWS, 2**61), "memory"),
    ],
)
def test_a_refusal_names_what_is_wrong(call: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        call()


def test_huge_and_tiny_values_do_no_harm() -> None:
    vectors = np.array([[3e38, 0], [-3e38, 0], [0, 1e-30], [0, 0]], np.float32)
    index, squared = nearest_centres(ENGINE, vectors, vectors)
    assert index.tolist() == [0, 1, 2, 2]
    assert squared.tolist() == [0, 0, 0, 0]
    assert np.isfinite(neighbours(ENGINE, vectors, vectors, 4)[1]).all()
    assert np.isfinite(k_means(ENGINE, vectors, None, 2, 0).squared).all()


def test_a_flag_that_is_set_cancels_each_of_them() -> None:
    cancel = CancelFlag()
    cancel.cancel()
    calls: list[Callable[[], object]] = [
        lambda: nearest_centres(ENGINE, ROWS, ROWS, cancel),
        lambda: neighbours(ENGINE, ROWS, ROWS, 1, cancel),
        lambda: k_means(ENGINE, ROWS, None, 2, 0, 20, cancel),
        lambda: k_means_plus_plus(ENGINE, ROWS, None, ROWS, 2, 0, cancel),
    ]
    for call in calls:
        with pytest.raises(Cancelled):
            call()
