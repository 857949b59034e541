"""Bytes decide which of many centres is nearest only where they can: no answer changes by them.

Few centres are compared in single precision throughout, so that groups of few say what many must.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alservice.core import Engine
from alservice.core import _native as native
from alservice.core.clustering import k_means, k_means_plus_plus, nearest_centres

ENGINES = [Engine(2, simd) for simd in ("scalar", native.build_info()["simd"])]
F32 = NDArray[np.float32]
FEW = 20


def _by_few(engine: Engine, vectors: F32, centres: F32) -> tuple[list[int], list[float]]:
    index = np.zeros(len(vectors), np.int64)
    least = np.full(len(vectors), np.inf, np.float32)
    for start in range(0, len(centres), FEW):
        place, squared = nearest_centres(engine, vectors, centres[start : start + FEW])
        nearer = squared < least
        index[nearer], least[nearer] = start + place[nearer], squared[nearer]
    return index.tolist(), least.tolist()


@st.composite
def _tasks(draw: st.DrawFn) -> tuple[F32, F32]:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m, d = draw(st.tuples(st.integers(1, 200), st.integers(24, 600), st.integers(1, 70)))
    size = draw(st.sampled_from([1.0, 1e-25, 1e17, 3e38]))
    away = draw(st.sampled_from([0.0, 50.0]))
    values = np.tanh(random.normal(away, 1, (n + m, d)) / max(away, 1)) * size
    if draw(st.booleans()):
        values = np.round(values * 2 / size) * (size / 2)
    rows = values.astype(np.float32)
    rows[n : n + m // 4] = rows[random.integers(0, n, m // 4)]
    return rows[:n].copy(), rows[n:].copy()


@settings(max_examples=80, deadline=None)
@given(_tasks())
def test_many_centres_are_compared_as_few_are(task: tuple[F32, F32]) -> None:
    for engine in ENGINES:
        index, squared = nearest_centres(engine, *task)
        assert (index.tolist(), squared.tolist()) == _by_few(engine, *task)


@settings(max_examples=30, deadline=None)
@given(_tasks(), st.integers(24, 60), st.integers(0, 9))
def test_many_clusters_are_served_by_the_nearest_centre(
    task: tuple[F32, F32], k: int, seed: int
) -> None:
    rows = np.concatenate(task)
    if np.abs(rows).max() > 1e18:
        return
    for engine in ENGINES:
        found = k_means(engine, rows, None, min(k, len(rows)), seed)
        served = (found.assignment.tolist(), found.squared.tolist())
        assert served == _by_few(engine, rows, found.centres)


@settings(max_examples=30, deadline=None)
@given(_tasks(), st.integers(0, 9))
def test_no_vector_is_drawn_twice_before_every_other_was(task: tuple[F32, F32], seed: int) -> None:
    """A row at distance 0 from the draws has no mass: bytes must not leave it any."""
    rows = np.round(np.concatenate(task) / max(np.abs(task[0]).max(), 1e-30)).astype(np.float32)
    different = len(np.unique(rows, axis=0))
    for engine in ENGINES:
        index, _ = k_means_plus_plus(engine, rows, None, rows[:0], len(rows), seed)
        assert len(np.unique(rows[index[:different]], axis=0)) == different
