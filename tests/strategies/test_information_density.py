"""Information density, against the matrix of all similarities."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.strategies import information_density
from tests.strategies.modelled import Modelled, check_edges, margins, modelled


def naive(pool: Modelled, rows: list[int]) -> np.ndarray:
    """Mean similarity of these rows to each of them, zero vectors having cosine 0."""
    points = pool.points[rows].astype(np.float64)
    norm = np.linalg.norm(points, axis=1, keepdims=True)
    unit = points / np.where(norm > 0, norm, 1)
    return np.asarray(((1 + unit @ unit.T) / 2).mean(axis=1))


@given(seed=st.integers(0, 2**32), beta=st.sampled_from([0.0, 1.0, 2.5]))
@settings(max_examples=40, deadline=None)
def test_it_is_score_times_mean_similarity_to_all_open_rows(seed: int, beta: float) -> None:
    pool = replace(modelled(seed, 60), parameters={"beta": beta})
    pool.points[::7] = 0
    rows = np.flatnonzero(~pool.excluded).tolist()
    expected = np.zeros(len(pool.points))
    expected[rows] = margins(pool, rows) * naive(pool, rows) ** beta
    chosen = information_density.select(pool.view(20, 40), 12)
    picked = pool.where(chosen, 20, 40)
    np.testing.assert_allclose(chosen.score, expected[picked], rtol=1e-4)
    np.testing.assert_allclose(chosen.score, np.sort(expected)[::-1][:12], rtol=1e-4)
    parts = chosen.components
    np.testing.assert_allclose(parts["margin"], margins(pool, picked), rtol=1e-4)
    np.testing.assert_allclose(chosen.score, parts["margin"] * parts["density"] ** beta, rtol=1e-5)


def test_length_does_not_matter() -> None:
    pool = replace(modelled(1, 50), parameters={"beta": 1})
    one = information_density.select(pool.view(), 50)
    pool.points[::2] *= 64
    two = information_density.select(pool.view(), 50)
    first, second = (
        dict(zip(pool.where(r), r.components["density"], strict=True)) for r in (one, two)
    )
    for row, density in first.items():
        np.testing.assert_allclose(second[row], density, atol=1e-5)


def test_awkward_pools() -> None:
    check_edges(information_density.select)
