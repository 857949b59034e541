"""Gumbel draws, against the sequential lottery that they stand for."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.core import hash_ids
from alservice.domain.gumbel import draw, gumbel, propensities
from alservice.domain.pool_view import PoolView
from alservice.domain.shortlist import open_rows
from tests.strategies.modelled import modelled

WEIGHTS = st.lists(st.sampled_from([0.0, 0.25, 1.0, 3.0, 1e-300]), min_size=1, max_size=8)


def logs(weights: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(weights))


def drawn(view: PoolView, weights: np.ndarray, count: int) -> tuple[list[int], np.ndarray]:
    """Rows of one block, and the propensity of each."""
    column = np.zeros(len(view.blocks[0].id_hash))
    column[open_rows(view.blocks[0])] = weights
    ranked = draw(view, [logs(column)], [column.astype(np.float32)], count)
    return [int(row) for row in ranked.row], ranked.components["propensity"]


@given(weights=WEIGHTS, seed=st.integers(0, 2**32 - 1), count=st.integers(0, 8))
def test_the_propensity_is_the_share_of_what_was_left(
    weights: list[float], seed: int, count: int
) -> None:
    w = np.array(weights)
    picks = np.random.default_rng(seed).permutation(len(w))[:count]
    # Weights of 0 are picked last.
    picks = np.array(sorted(picks, key=lambda row: w[row] == 0), np.int64)
    left = list(range(len(w)))
    expected = []
    for row in picks:
        total = w[left].sum()
        expected.append(w[row] / total if total > 0 else 1 / len(left))
        left.remove(int(row))
    got = propensities(logs(w), logs(w)[picks])
    np.testing.assert_allclose(got, np.array(expected), rtol=1e-9)


def test_the_product_of_propensities_is_the_probability_of_the_batch() -> None:
    w = np.array([0.1, 1.0, 2.5, 7.0])
    total = sum(propensities(logs(w), logs(w[list(p)])).prod() for p in permutations(range(4), 2))
    assert total == pytest.approx(1)


def test_first_picks_are_as_frequent_as_their_weights() -> None:
    pool = modelled(1, 5, excluded=0)
    weights = np.array([1, 2, 3, 4, 0])
    first = np.zeros(5)
    second_last = 0
    for seed in range(4_000):
        picks, _ = drawn(pool.view(seed=seed), weights, 5)
        first[picks[0]] += 1
        second_last += picks[-1] == 4
    # Binomial(4000, p): sd at most 31. Six sd fail by chance less than once in 1e8.
    np.testing.assert_allclose(first / 4_000, weights / 10, atol=6 * 31 / 4_000)
    assert first[4] == 0 and second_last == 4_000


def test_rows_of_weight_zero_follow_uniformly() -> None:
    picks, propensity = drawn(modelled(1, 4, excluded=0).view(), np.array([0, 0, 5, 0]), 4)
    assert picks[0] == 2
    np.testing.assert_allclose(propensity, [1, 1 / 3, 1 / 2, 1], rtol=1e-6)


def test_huge_weights_do_not_overflow() -> None:
    pool = modelled(1, 3, excluded=0)
    ranked = draw(pool.view(), [np.array([1e5, 1e5, 0.0])], [np.ones(3, np.float32)], 3)
    np.testing.assert_allclose(ranked.components["propensity"], [0.5, 1, 1], rtol=1e-6)
    assert set(ranked.row[:2].tolist()) == {0, 1}


def test_the_noise_is_standard_gumbel_and_its_own_for_each_seed() -> None:
    text = "".join(f"{i:05d}" for i in range(20_000)).encode()
    hashes = hash_ids(np.frombuffer(text, np.uint8), np.arange(0, 100_001, 5, dtype=np.int64))
    noise, other = gumbel(hashes, 1), gumbel(hashes, 2)
    # Mean 0.5772, variance pi^2 / 6; sd of the mean 0.009, of the variance about 0.03.
    assert noise.mean() == pytest.approx(0.5772, abs=0.06)
    assert noise.var() == pytest.approx(np.pi**2 / 6, abs=0.2)
    assert abs(np.corrcoef(noise, other)[0, 1]) < 0.05
