"""What every learner promises. A new file in alservice/learners is tested here at once."""

import numpy as np
import pytest

from alservice import learners
from alservice.domain.errors import ParameterOutOfRange, ParameterUnknown, TrainingNeedsTwoClasses
from alservice.domain.learner import Learner, TrainingSet, silent

ALL = learners.discover()
PROBES = np.random.default_rng(1).normal(scale=3, size=(200, 5)).astype(np.float32)


def blobs(n: int, classes: int, class_count: int, seed: int = 0) -> TrainingSet:
    rng = np.random.default_rng(seed)
    centres = 2 * rng.normal(size=(classes, 5))
    truth = np.arange(n) % classes
    vectors = (centres[truth] + rng.normal(size=(n, 5))).astype(np.float32)
    return TrainingSet(
        vectors=vectors,
        classes=truth,
        class_count=class_count,
        weights=np.ones(n, np.float32),
    )


def test_the_folder_is_not_empty() -> None:
    assert "logistic" in ALL


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_it_says_what_it_is(learner: Learner) -> None:
    assert learner.summary and learner.reference
    assert all(learner.parameters.values())


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_the_head_has_a_row_for_every_declared_class(learner: Learner) -> None:
    model = learner.fit(blobs(30, 3, 5), {}, None, silent)
    logits = model.head.logits(PROBES)
    assert logits.shape == (200, 5) and logits.dtype == np.float32
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_the_same_arguments_give_the_same_model(learner: Learner) -> None:
    first, second = (learner.fit(blobs(30, 3, 3), {}, None, silent) for _ in range(2))
    np.testing.assert_array_equal(first.head.logits(PROBES), second.head.logits(PROBES))
    assert first.metrics == second.metrics


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_one_class_is_refused(learner: Learner) -> None:
    with pytest.raises(TrainingNeedsTwoClasses, match="two classes"):
        learner.fit(blobs(10, 1, 3), {}, None, silent)


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_an_unknown_parameter_is_refused(learner: Learner) -> None:
    with pytest.raises(ParameterUnknown):
        learner.fit(blobs(10, 2, 2), {"no_such_parameter": 1.0}, None, silent)


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_a_class_without_labels_has_a_prior_probability_and_is_never_predicted(
    learner: Learner,
) -> None:
    training = blobs(30, 3, 5)
    logits = learner.fit(training, {}, None, silent).head.logits(1e3 * PROBES)
    assert (logits.argmax(axis=1) < 3).all()
    head = learner.fit(training, {}, None, silent).head
    share = head.probabilities(training.vectors)[:, 3:].mean(axis=0)
    assert (share > 0).all() and (share <= 1.001 / (30 + 5)).all()


@pytest.mark.parametrize("rows", [(2, 2), (3, 3), (5, 2), (5, 4)])
@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_a_handful_of_labels_gives_a_model(learner: Learner, rows: tuple[int, int]) -> None:
    model = learner.fit(blobs(rows[0], rows[1], 5), {}, None, silent)
    assert np.isfinite(model.head.logits(PROBES)).all()
    assert model.metrics or any("Too few" in note for note in model.notes)


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_equal_vectors_of_two_classes_give_the_commoner_one(learner: Learner) -> None:
    training = TrainingSet(
        vectors=np.ones((10, 5), np.float32),
        classes=np.array([0] * 7 + [1] * 3),
        class_count=2,
        weights=np.ones(10, np.float32),
    )
    logits = learner.fit(training, {}, None, silent).head.logits(PROBES)
    assert np.isfinite(logits).all() and (logits.argmax(axis=1) == 0).all()


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_without_calibration_nothing_is_measured_and_nothing_cross_validated(
    learner: Learner,
) -> None:
    model = learner.fit(blobs(30, 3, 3), {"calibrate": False}, None, silent)
    assert model.temperature == 1 and model.metrics == ()
    assert model.parameters["folds"] == 0 and model.parameters["fits"] == 1
    assert any("Neither measured nor calibrated" in note for note in model.notes)


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_calibration_divides_the_logits_by_the_temperature_and_changes_nothing_else(
    learner: Learner,
) -> None:
    free = learner.fit(blobs(60, 3, 3), {}, None, silent)
    fixed = {name: free.parameters[name] for name in free.parameters.keys() & learner.parameters}
    calibrated = learner.fit(blobs(60, 3, 3), fixed, None, silent)
    plain = learner.fit(blobs(60, 3, 3), {**fixed, "calibrate": False}, None, silent)
    np.testing.assert_allclose(
        calibrated.head.logits(PROBES) * calibrated.temperature,
        plain.head.logits(PROBES),
        atol=0.03 * np.abs(plain.head.logits(PROBES)).max(),
    )


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_fewer_than_two_rows_a_class_do_not_move_the_temperature(learner: Learner) -> None:
    few, others = (
        {
            learner.fit(blobs(n, 5, 5, seed), {"C": 10.0}, None, silent).temperature
            for seed in seeds
        }
        for n, seeds in ((9, range(3)), (60, range(3)))
    )
    assert len(few) == 1 and len(others) == 3


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
@pytest.mark.parametrize(
    "wrong",
    [{"C": 0.0}, {"C": True}, {"C": float("nan")}, {"standardise": 1.0}, {"calibrate": 0.0}],
)
def test_a_parameter_out_of_range_is_refused(
    learner: Learner, wrong: dict[str, float | str | bool]
) -> None:
    with pytest.raises(ParameterOutOfRange):
        learner.fit(blobs(10, 2, 2), wrong, None, silent)


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_progress_only_grows_and_what_it_raises_stops_the_fit(learner: Learner) -> None:
    shares: list[float] = []
    learner.fit(blobs(30, 3, 3), {}, None, lambda share, _doing: shares.append(share))
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1

    def stop(_share: float, _doing: str) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        learner.fit(blobs(30, 3, 3), {}, None, stop)
