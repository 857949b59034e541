"""Logistic regression: its laws."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from alservice.domain.errors import ParameterOutOfRange, ParameterUnknown
from alservice.domain.head import LinearHead
from alservice.domain.learner import (
    FittedModel,
    Parameter,
    TrainingSet,
    WarmStart,
    silent,
)
from alservice.domain.metrics import SELECTED_CV, softmax
from alservice.learners.logistic import LEARNER

SEEDS = st.integers(0, 2**32)


def sample(
    seed: int, n: int = 40, classes: int = 3, class_count: int = 4, d: int = 6
) -> TrainingSet:
    """Blobs around one centre a class; features of quite different scales."""
    rng = np.random.default_rng(seed)
    centres, scale = 1.5 * rng.normal(size=(classes, d)), 10.0 ** rng.uniform(-1, 1, d)
    truth = np.arange(n) % classes
    vectors = ((centres[truth] + rng.normal(size=(n, d))) * scale).astype(np.float32)
    return TrainingSet(
        vectors=vectors,
        classes=truth,
        class_count=class_count,
        weights=rng.uniform(0.5, 1, n).astype(np.float32),
        groups=rng.integers(0, n, n),
        pool_mean=vectors.mean(axis=0),
        pool_scale=vectors.std(axis=0),
    )


def fit(
    training: TrainingSet, warm: WarmStart | None = None, **parameters: Parameter
) -> FittedModel:
    return LEARNER.fit(training, parameters, warm, silent)


def probabilities(model: FittedModel, training: TrainingSet) -> NDArray[np.float64]:
    return softmax(model.head.logits(training.vectors), training.classes)[0]


@given(SEEDS)
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_makes_no_difference(seed: int) -> None:
    training = sample(seed)
    shuffled = training.take(np.random.default_rng(seed).permutation(len(training.classes)))
    one, other = fit(training), fit(shuffled)
    np.testing.assert_array_equal(one.head.weights, other.head.weights)
    np.testing.assert_array_equal(one.head.bias, other.head.bias)
    assert one.metrics == other.metrics


@given(seed=SEEDS, c=st.sampled_from([0.5, 20.0]), standardise=st.booleans())
@settings(max_examples=8, deadline=None)
def test_with_c_given_it_is_scikit_learn_on_explicitly_scaled_vectors(
    *, seed: int, c: float, standardise: bool
) -> None:
    training = sample(seed, class_count=3)
    model = fit(training, C=c, standardise=standardise)
    assert training.pool_mean is not None and training.pool_scale is not None
    scale = training.pool_scale * np.sqrt(6)
    if not standardise:
        scale = np.full(6, np.sqrt((training.pool_scale**2).sum()))
    scaled = (training.vectors - training.pool_mean) / scale
    peer = LogisticRegression(C=c, tol=1e-6, max_iter=5_000)
    peer.fit(scaled, training.classes, sample_weight=training.weights)
    theirs = peer.decision_function(scaled) / model.temperature
    ours = model.head.logits(training.vectors)
    spread = theirs - theirs.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(ours, spread, atol=0.02 * np.abs(spread).max())


@given(SEEDS, st.floats(0.01, 1000), st.floats(-10, 10))
@settings(max_examples=8, deadline=None)
def test_the_unit_of_the_vectors_makes_no_difference(
    seed: int, factor: float, shift: float
) -> None:
    training = sample(seed)
    moved = TrainingSet(
        vectors=(training.vectors * factor + shift * factor).astype(np.float32),
        classes=training.classes,
        class_count=training.class_count,
        weights=training.weights,
    )
    plain = TrainingSet(
        vectors=training.vectors,
        classes=training.classes,
        class_count=training.class_count,
        weights=training.weights,
    )
    # Folds follow the bits of the vectors, so the choice is fixed here.
    one, other = (fit(t, C=10.0, standardise=True) for t in (plain, moved))
    ours = one.head.logits(plain.vectors) * one.temperature
    theirs = other.head.logits(moved.vectors) * other.temperature
    np.testing.assert_allclose(ours[:, :3], theirs[:, :3], atol=0.02 * np.abs(ours).max())


@given(SEEDS, SEEDS)
@settings(max_examples=8, deadline=None)
def test_the_round_before_changes_where_the_search_begins_and_not_where_it_ends(
    seed: int, other: int
) -> None:
    training = sample(seed)
    rng = np.random.default_rng(other)
    head = LinearHead(
        rng.normal(size=(2, 6)).astype(np.float32), rng.normal(size=2).astype(np.float32)
    )
    cold, warm = fit(training), fit(training, WarmStart(head))
    assert warm.parameters == cold.parameters
    np.testing.assert_allclose(
        probabilities(warm, training), probabilities(cold, training), atol=0.02
    )


def test_the_last_head_is_a_fine_start_for_itself() -> None:
    training = sample(4)
    first = fit(training)
    again = fit(training, WarmStart(first.head))
    np.testing.assert_allclose(
        probabilities(again, training), probabilities(first, training), atol=0.01
    )


def test_a_head_of_another_dimension_is_no_start() -> None:
    training = sample(4)
    head = LinearHead(np.ones((4, 9), np.float32), np.zeros(4, np.float32))
    cold, warm = fit(training), fit(training, WarmStart(head))
    np.testing.assert_array_equal(cold.head.weights, warm.head.weights)


@given(SEEDS)
@settings(max_examples=8, deadline=None)
def test_a_class_without_labels_has_a_small_finite_probability_and_is_never_predicted(
    seed: int,
) -> None:
    training = sample(seed)
    model = fit(training)
    everywhere = np.random.default_rng(seed).normal(scale=30, size=(500, 6)).astype(np.float32)
    logits = model.head.logits(everywhere)
    assert np.isfinite(logits).all()
    assert (logits.argmax(axis=1) != 3).all()
    share = probabilities(model, training)[:, 3].mean()
    assert 0 < share <= 1.001 / (40 + 4)
    assert any("no label" in note for note in model.notes)


@given(SEEDS)
@settings(max_examples=8, deadline=None)
def test_the_metrics_are_of_held_out_rows_and_say_so(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 60
    noise = TrainingSet(
        vectors=rng.normal(size=(n, 30)).astype(np.float32),
        classes=np.arange(n) % 2,
        class_count=2,
        weights=np.ones(n, np.float32),
    )
    found = {metric.name: metric for metric in fit(noise, C=1000.0).metrics}
    assert {m.basis for m in found.values()} == {SELECTED_CV}
    assert found["accuracy"].n == n
    # Pure noise: 30 features fit 60 rows well, but nobody predicts them. P(> 0.85) < 1e-6,
    # even though the temperature was fitted on the same rows.
    assert found["accuracy"].value < 0.85


def test_twins_do_not_flatter_the_metrics() -> None:
    rng = np.random.default_rng(2)
    vectors = np.repeat(rng.normal(size=(40, 50)), 3, axis=0).astype(np.float32)
    classes = np.repeat(rng.permutation(np.arange(40) % 2), 3)
    noise = TrainingSet(
        vectors=vectors, classes=classes, class_count=2, weights=np.ones(120, np.float32)
    )
    accuracy = fit(noise, C=1000.0).metrics[0]
    # Split at random, each row's twin gives it away: above 0.9.
    assert accuracy.value < 0.75


def test_identical_vectors_give_the_class_frequencies() -> None:
    training = TrainingSet(
        vectors=np.ones((10, 3), np.float32),
        classes=np.array([0] * 7 + [1] * 3),
        class_count=2,
        weights=np.ones(10, np.float32),
    )
    np.testing.assert_allclose(probabilities(fit(training), training)[0], [0.7, 0.3], atol=0.01)


def test_a_light_label_pulls_less_than_a_full_one() -> None:
    training = sample(3, class_count=3)
    doubted = training.weights.copy()
    doubted[0] = 0.01
    light = TrainingSet(
        vectors=training.vectors, classes=training.classes, class_count=3, weights=doubted
    )
    heavy = TrainingSet(
        vectors=training.vectors,
        classes=training.classes,
        class_count=3,
        weights=np.ones(40, np.float32),
    )
    of_first = [
        softmax(m.head.logits(light.vectors[:1]) * m.temperature, light.classes[:1])[0][0, 0]
        for m in (fit(light, C=10.0, standardise=True), fit(heavy, C=10.0, standardise=True))
    ]
    assert of_first[0] < of_first[1]


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"c": 1.0}, ParameterUnknown),
        ({"C": 0.0}, ParameterOutOfRange),
        ({"C": float("nan")}, ParameterOutOfRange),
        ({"C": True}, ParameterOutOfRange),
        ({"C": "strong"}, ParameterOutOfRange),
        ({"standardise": 1.0}, ParameterOutOfRange),
    ],
)
def test_parameters_are_checked(parameters: dict[str, Parameter], error: type[Exception]) -> None:
    with pytest.raises(error):
        LEARNER.fit(sample(0), parameters, None, silent)


def test_numbers_beyond_float32_are_an_error_and_never_a_model() -> None:
    training = sample(0)
    training.vectors[0, 0] = np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(FloatingPointError):
            fit(training)
