"""Scaling leaves no trace."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.domain.head import LinearHead
from alservice.domain.learner import TrainingSet
from alservice.domain.scaling import centred


def rows(seed: int, n: int = 60, d: int = 7, *, pool: bool = True) -> TrainingSet:
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-3, 4, d)
    vectors = (rng.normal(size=(n, d)) * scale + rng.normal(size=d) * 3 * scale).astype(np.float32)
    return TrainingSet(
        vectors=vectors,
        classes=rng.integers(0, 3, n),
        class_count=3,
        weights=np.ones(n, np.float32),
        pool_mean=vectors.mean(axis=0) if pool else None,
        pool_scale=vectors.std(axis=0) if pool else None,
    )


@given(seed=st.integers(0, 2**32), standardised=st.booleans(), pool=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_folded_head_scores_plain_vectors_as_the_head_scores_scaled_ones(
    *, seed: int, standardised: bool, pool: bool
) -> None:
    training = rows(seed, pool=pool)
    scaling = centred(training, standardised=standardised)
    rng = np.random.default_rng(seed + 1)
    weights, bias = rng.normal(size=(3, 7)), rng.normal(size=3)
    explicit = (training.vectors.astype(np.float64) - scaling.mean) / scaling.scale
    plain, plain_bias = scaling.fold(weights, bias)
    np.testing.assert_allclose(
        training.vectors.astype(np.float64) @ plain.T + plain_bias,
        explicit @ weights.T + bias,
        atol=1e-6,
    )
    np.testing.assert_allclose(scaling.apply(training.vectors), explicit, atol=1e-4)


@given(seed=st.integers(0, 2**32), standardised=st.booleans())
@settings(max_examples=40, deadline=None)
def test_unfolding_is_the_inverse_of_folding(*, seed: int, standardised: bool) -> None:
    scaling = centred(rows(seed), standardised=standardised)
    rng = np.random.default_rng(seed)
    weights, bias = rng.normal(size=(3, 7)), rng.normal(size=3)
    plain, plain_bias = scaling.fold(weights, bias)
    back, back_bias = scaling.unfold(
        LinearHead(plain.astype(np.float32), plain_bias.astype(np.float32))
    )
    np.testing.assert_allclose(back, weights, rtol=1e-5)
    np.testing.assert_allclose(back_bias, bias, atol=1e-4)


@given(seed=st.integers(0, 2**32), standardised=st.booleans())
@settings(max_examples=40, deadline=None)
def test_scaled_pools_have_mean_zero_and_mean_squared_norm_one(
    *, seed: int, standardised: bool
) -> None:
    training = rows(seed)
    scaled = centred(training, standardised=standardised).apply(training.vectors)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    assert (scaled**2).sum(axis=1).mean() == pytest.approx(1, abs=1e-3)


def test_a_constant_feature_and_a_constant_pool_stay_finite() -> None:
    training = rows(1)
    training.vectors[:, 2] = 5.0
    fixed = TrainingSet(
        vectors=training.vectors,
        classes=training.classes,
        class_count=3,
        weights=training.weights,
    )
    assert np.isfinite(centred(fixed, standardised=True).apply(fixed.vectors)).all()
    training.vectors[:] = 5.0
    assert (centred(fixed, standardised=True).apply(fixed.vectors) == 0).all()
