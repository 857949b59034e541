"""Metrics against their obvious twins and scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, log_loss

from alservice.domain.metrics import (
    CALIBRATION_BINS,
    F64,
    I64,
    TEST,
    Metric,
    measure,
    softmax,
    wilson,
)


@st.composite
def predictions(draw: st.DrawFn) -> tuple[F64, I64]:
    n, class_count = draw(st.integers(1, 60)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.normal(size=(n, class_count)) * draw(st.sampled_from([0.1, 1.0, 30.0]))
    return logits, rng.integers(0, class_count, n)


def by_name(logits: F64, classes: I64) -> dict[str, Metric]:
    return {metric.name: metric for metric in measure(logits, classes, TEST)}


def naive_calibration_error(probabilities: F64, classes: I64) -> float:
    total = 0.0
    for b in range(CALIBRATION_BINS):
        low, high = b / CALIBRATION_BINS, (b + 1) / CALIBRATION_BINS
        rows = [i for i, p in enumerate(probabilities) if low < p.max() <= high]
        if rows:
            right = np.mean([probabilities[i].argmax() == classes[i] for i in rows])
            sure = np.mean([probabilities[i].max() for i in rows])
            total += len(rows) / len(classes) * abs(right - sure)
    return total


@given(predictions())
@settings(max_examples=60, deadline=None)
def test_values_are_those_of_scikit_learn_and_of_the_definition(case: tuple[F64, I64]) -> None:
    logits, classes = case
    found = by_name(logits, classes)
    probabilities, _ = softmax(logits, classes)
    predicted = logits.argmax(axis=1)
    f1 = f1_score(classes, predicted, average="macro", zero_division=0)
    assert found["accuracy"].value == pytest.approx(accuracy_score(classes, predicted))
    assert found["macro_f1"].value == pytest.approx(f1)
    naive = naive_calibration_error(probabilities, classes)
    assert found["calibration_error"].value == pytest.approx(naive, abs=1e-9)


@given(predictions())
@settings(max_examples=40, deadline=None)
def test_log_loss_is_that_of_scikit_learn(case: tuple[F64, I64]) -> None:
    logits, classes = case
    logits = logits.clip(-5, 5)  # scikit-learn clips probabilities, we need not
    probabilities, _ = softmax(logits, classes)
    theirs = log_loss(classes, probabilities, labels=np.arange(logits.shape[1]))
    assert by_name(logits, classes)["log_loss"].value == pytest.approx(theirs)


@given(predictions())
@settings(max_examples=60, deadline=None)
def test_every_interval_holds_its_value_and_names_basis_and_rows(case: tuple[F64, I64]) -> None:
    for metric in measure(*case, TEST):
        assert metric.low <= metric.value <= metric.high
        assert (metric.basis, metric.n) == (TEST, len(case[1]))
        assert np.isfinite([metric.low, metric.high]).all()


@given(predictions(), st.floats(-50, 50))
@settings(max_examples=30, deadline=None)
def test_adding_a_constant_to_all_logits_changes_nothing(
    case: tuple[F64, I64], constant: float
) -> None:
    logits, classes = case
    for before, after in zip(
        measure(logits, classes, TEST), measure(logits + constant, classes, TEST), strict=True
    ):
        # A confidence on the edge of a bin may change sides.
        if before.name != "calibration_error":
            assert after.value == pytest.approx(before.value, abs=1e-9)


@given(st.integers(1, 500), st.data())
def test_wilson_solves_its_equation(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    for bound in wilson(successes, n):
        assert 0 <= bound <= 1
        distance = (successes / n - bound) ** 2
        assert distance == pytest.approx(1.959963984540054**2 * bound * (1 - bound) / n, abs=1e-9)


def test_the_bootstrap_interval_of_the_mean_loss_is_about_the_normal_one() -> None:
    rng = np.random.default_rng(3)
    logits, classes = rng.normal(size=(2_000, 4)), rng.integers(0, 4, 2_000)
    metric = by_name(logits, classes)["log_loss"]
    _, losses = softmax(logits, classes)
    half = 1.96 * losses.std() / np.sqrt(len(losses))
    # The seed is fixed, so this holds always or never; 200 replicates are good to 15 %.
    assert (metric.high - metric.low) / 2 == pytest.approx(half, rel=0.15)


def test_an_impossible_class_costs_a_finite_loss() -> None:
    metric = by_name(np.array([[0.0, -2_000.0]]), np.array([1]))["log_loss"]
    assert metric.value == pytest.approx(2_000.0)


def test_a_handful_of_right_answers_is_no_certainty() -> None:
    logits = np.array([[3.0, 0.0], [0.0, 3.0]])
    by_name = {metric.name: metric for metric in measure(logits, np.array([0, 1]), "audit")}
    for name in ("accuracy", "macro_f1"):
        assert by_name[name].value == 1
        assert by_name[name].low < 0.5
    error = by_name["calibration_error"]
    assert error.low < error.value or error.high > error.value


def test_nothing_is_measured_on_no_rows() -> None:
    assert measure(np.zeros((0, 3)), np.zeros(0, np.int64), TEST) == ()
