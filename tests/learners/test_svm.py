"""The support vector machine: scikit-learn's own, and its laws."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from alservice.domain.errors import ParameterOutOfRange
from alservice.domain.head import KernelHead
from alservice.domain.learner import (
    EvaluationSet,
    FittedModel,
    Parameter,
    TrainingSet,
    evaluate,
    silent,
)
from alservice.domain.metrics import SELECTED_CV
from alservice.learners import svm
from alservice.learners.svm import LEARNER

SEEDS = st.integers(0, 2**32)


def sample(seed: int, n: int = 40, classes: int = 2, d: int = 6) -> TrainingSet:
    """Blobs around one centre a class; features of quite different scales."""
    rng = np.random.default_rng(seed)
    centres, scale = 1.5 * rng.normal(size=(classes, d)), 10.0 ** rng.uniform(-1, 1, d)
    truth = np.arange(n) % classes
    vectors = ((centres[truth] + rng.normal(size=(n, d))) * scale).astype(np.float32)
    return TrainingSet(
        vectors=vectors, classes=truth, class_count=classes, weights=np.ones(n, np.float32)
    )


def rings(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One class inside the other, which no line parts."""
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % 2
    angle, radius = rng.uniform(0, 2 * np.pi, n), 1 + 2 * classes + 0.2 * rng.normal(size=n)
    vectors = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return vectors.astype(np.float32), classes.astype(np.int64)


def fit(training: TrainingSet, **parameters: Parameter) -> FittedModel:
    return LEARNER.fit(training, parameters, None, silent)


def decision(model: FittedModel, vectors: np.ndarray) -> np.ndarray:
    assert isinstance(model.head, KernelHead)
    return model.head.decision(vectors)


@given(seed=SEEDS, n=st.integers(4, 120), d=st.integers(1, 30), calibrate=st.booleans())
@settings(max_examples=40, deadline=None)
def test_two_classes_with_all_given_are_scikit_learn(
    *, seed: int, n: int, d: int, calibrate: bool
) -> None:
    training = sample(seed, n, d=d)
    model = fit(training, C=1.0, gamma="auto", standardise=False, calibrate=calibrate)
    peer = SVC(kernel="rbf", gamma="auto", C=1).fit(training.vectors, training.classes)
    probes = np.concatenate([training.vectors, sample(seed + 1, 50, d=d).vectors])
    ours = decision(model, probes) * model.temperature
    theirs = peer.decision_function(probes)
    np.testing.assert_allclose(ours[:, 1] - ours[:, 0], theirs, atol=1e-6)
    np.testing.assert_allclose(ours.sum(axis=1), 0, atol=1e-9)


@given(SEEDS, st.integers(3, 6), st.sampled_from(["auto", "scale", 0.02]))
@settings(max_examples=30, deadline=None)
def test_many_classes_are_scikit_learns_machines_of_each_against_the_rest(
    seed: int, classes: int, gamma: float | str
) -> None:
    training = sample(seed, 50, classes)
    model = fit(training, C=3.0, gamma=gamma, standardise=False, calibrate=False)
    exact, probes = training.vectors.astype(np.float64), sample(seed + 1, 50, classes).vectors
    expected = np.stack(
        [
            SVC(gamma=gamma, C=3).fit(exact, training.classes == c).decision_function(probes)
            for c in range(classes)
        ],
        axis=1,
    )
    # A kernel kept and one made anew differ in the last bit: libsvm's path may too, and end
    # elsewhere within its tolerance of 1e-3.
    centred = expected - expected.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(decision(model, probes), centred, atol=5e-3)


def test_many_rows_whose_kernel_is_not_kept_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    training = sample(5, 60, 4)
    kept = fit(training, calibrate=False)
    monkeypatch.setattr(svm, "KERNEL_ROWS", 59)
    np.testing.assert_allclose(
        decision(fit(training, calibrate=False), training.vectors),
        decision(kept, training.vectors),
        atol=5e-3,
    )


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_standardised_it_is_scikit_learn_on_features_of_deviation_one(seed: int) -> None:
    training = sample(seed)
    mean, deviation = training.vectors.mean(axis=0), training.vectors.std(axis=0)
    pooled = TrainingSet(
        vectors=training.vectors,
        classes=training.classes,
        class_count=2,
        weights=training.weights,
        pool_mean=mean,
        pool_scale=deviation,
    )
    model = fit(pooled, C=2.0, gamma="auto", standardise=True, calibrate=False)
    scaled = (training.vectors - mean.astype(np.float64)) / deviation
    peer = SVC(gamma="auto", C=2).fit(scaled, training.classes)
    ours = decision(model, training.vectors)
    np.testing.assert_allclose(ours[:, 1] - ours[:, 0], peer.decision_function(scaled), atol=1e-6)


@given(seed=SEEDS, calibrate=st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_margin_of_probabilities_orders_items_as_the_decision_value_does(
    *, seed: int, calibrate: bool
) -> None:
    training = sample(seed)
    model = fit(training, C=1.0, gamma="auto", standardise=True, calibrate=calibrate)
    vectors = sample(seed + 1, 300).vectors
    logits = decision(model, vectors)
    size = np.abs(logits[:, 1] - logits[:, 0])
    p = model.head.probabilities(vectors).astype(np.float64)
    margin = np.abs(p[:, 1] - p[:, 0])
    order = np.argsort(size)
    # Rounding to float32 may swap only what is as good as equal.
    assert (np.diff(margin[order]) >= -1e-6).all()
    apart = np.diff(size[order]) > 1e-5
    near_nought = size[order][1:] < 5
    assert (np.diff(margin[order])[apart & near_nought] > 0).all()


@given(SEEDS)
@settings(max_examples=5, deadline=None)
def test_the_order_of_rows_changes_neither_the_choice_nor_more_than_the_tolerance(
    seed: int,
) -> None:
    training = sample(seed, 60, 3)
    shuffled = training.take(np.random.default_rng(seed).permutation(60))
    one, other = fit(training), fit(shuffled)
    # Features' deviations are sums over rows, and rounded.
    assert one.parameters["C"] == other.parameters["C"]
    assert one.parameters["gamma"] == pytest.approx(other.parameters["gamma"], rel=1e-9)
    np.testing.assert_allclose(
        decision(one, training.vectors) * one.temperature,
        decision(other, training.vectors) * other.temperature,
        atol=0.05,
    )


def test_it_bends_where_classes_wind_round_each_other() -> None:
    vectors, classes = rings(100)
    training = TrainingSet(
        vectors=vectors, classes=classes, class_count=2, weights=np.ones(100, np.float32)
    )
    model = fit(training)
    accuracy = evaluate(model.head, EvaluationSet("test", *rings(400, seed=1)))[0].value
    assert accuracy > 0.98
    assert {metric.basis for metric in model.metrics} == {SELECTED_CV}
    assert model.metrics[0].value > 0.95


def digits(labels: int) -> tuple[TrainingSet, EvaluationSet]:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    held_out, pool = order[:600], order[600:]
    vectors, classes = x.astype(np.float32), y.astype(np.int64)
    training = TrainingSet(
        vectors=vectors[pool[:labels]],
        classes=classes[pool[:labels]],
        class_count=10,
        weights=np.ones(labels, np.float32),
        pool_mean=vectors[pool].mean(axis=0),
        pool_scale=vectors[pool].std(axis=0),
    )
    return training, EvaluationSet("test", vectors[held_out], classes[held_out])


@pytest.mark.parametrize(("labels", "least"), [(20, 0.45), (100, 0.86), (400, 0.95)])
def test_digits_are_learned(labels: int, least: float) -> None:
    training, test = digits(labels)
    assert evaluate(fit(training).head, test)[0].value >= least


def test_calibration_makes_the_truth_of_untouched_rows_likelier_and_changes_no_prediction() -> (
    None
):
    training, test = digits(200)
    plain, calibrated = (
        fit(training, C=10.0, gamma="scale", standardise=False, calibrate=on)
        for on in (False, True)
    )
    losses = [{m.name: m.value for m in evaluate(m.head, test)} for m in (plain, calibrated)]
    assert losses[1]["log_loss"] < losses[0]["log_loss"] - 0.1
    assert losses[1]["accuracy"] == losses[0]["accuracy"]


def test_a_light_label_pulls_less_than_a_full_one() -> None:
    training = sample(3)
    training.vectors[0] = training.vectors[1]  # of the other class
    weights = training.weights.copy()
    weights[0] = 0.01
    light = TrainingSet(
        vectors=training.vectors, classes=training.classes, class_count=2, weights=weights
    )
    of_first = [
        decision(fit(t, C=1.0, gamma="auto", standardise=True, calibrate=False), t.vectors[:1])
        for t in (light, training)
    ]
    assert of_first[0][0, 0] < of_first[1][0, 0]


@pytest.mark.parametrize("gamma", [0.0, -1.0, float("nan"), True, "automatic"])
def test_gamma_is_checked(gamma: Parameter) -> None:
    with pytest.raises(ParameterOutOfRange):
        fit(sample(0), gamma=gamma)


def test_numbers_beyond_float32_are_an_error_and_never_a_model() -> None:
    training = sample(0)
    training.vectors[0, 0] = np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(FloatingPointError):
            fit(training)
