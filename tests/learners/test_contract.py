"""What every learner promises. A new file in alservice/learners is tested here at once."""

import numpy as np
import pytest

from alservice import learners
from alservice.domain.errors import ParameterUnknown, TrainingNeedsTwoClasses
from alservice.domain.learner import Learner, TrainingSet, silent

ALL = learners.discover()


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
    assert model.head.weights.shape == (5, 5) and model.head.bias.shape == (5,)
    assert model.head.weights.dtype == model.head.bias.dtype == np.float32
    assert np.isfinite(model.head.weights).all() and np.isfinite(model.head.bias).all()


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_the_same_arguments_give_the_same_model(learner: Learner) -> None:
    first, second = (learner.fit(blobs(30, 3, 3), {}, None, silent) for _ in range(2))
    np.testing.assert_array_equal(first.head.weights, second.head.weights)
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
def test_progress_only_grows_and_what_it_raises_stops_the_fit(learner: Learner) -> None:
    shares: list[float] = []
    learner.fit(blobs(30, 3, 3), {}, None, lambda share, _doing: shares.append(share))
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1

    def stop(_share: float, _doing: str) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        learner.fit(blobs(30, 3, 3), {}, None, stop)
