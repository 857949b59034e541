"""A training publishes what it has seen, and only while the work is its own."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alservice.core import CancelFlag
from alservice.domain import errors
from alservice.domain.learner import silent
from alservice.domain.model import ModelState
from alservice.domain.operation import OperationState
from alservice.usecases.run_training import RunTraining
from tests.rounds import Rounds, ids
from tests.usecases.conftest import Clock


@pytest.fixture
def labelled(rounds: Rounds) -> Rounds:
    rounds.label(ids(6))
    return rounds


def test_a_model_is_published_activated_and_its_operation_done(labelled: Rounds) -> None:
    seen = labelled.project.revision
    model = labelled.learn()
    assert (model.state, model.label_count, model.revision) == (ModelState.READY, 6, seen)
    assert model.parameters == {"C": 1.0, "temperature": 1.0}
    assert model.end_time_ms is not None
    operation = labelled.operation(model.operation_id)
    assert (operation.state, operation.progress) == (OperationState.SUCCEEDED, 1.0)
    project = labelled.project
    assert project.active_model_id == model.model_id and project.revision == seen + 1


def test_labels_that_arrive_meanwhile_are_unseen_by_the_model(labelled: Rounds) -> None:
    labelled.trainer.before = lambda *_: labelled.label(ids(3, 6))
    seen = labelled.project.revision
    model = labelled.learn()
    assert (model.label_count, model.revision) == (6, seen)
    assert labelled.query(2).unseen_label_count == 3


def test_a_model_that_was_not_to_be_activated_is_not(labelled: Rounds) -> None:
    model = labelled.learn(activate=False)
    assert model.state is ModelState.READY and labelled.project.active_model_id is None


def test_an_older_training_that_ends_late_does_not_replace_a_newer_model(
    labelled: Rounds, clock: Clock
) -> None:
    late: list[str] = []

    def be_overtaken(*_: object) -> None:
        labelled.trainer.before = lambda *_: None
        clock.advance(60_000)
        stolen = labelled.claim("another worker")
        assert stolen.attempt == 2
        labelled.label(ids(4, 6))
        labelled.run(stolen)
        late.append(stolen.operation_id)

    labelled.trainer.before = be_overtaken
    model = labelled.learn()
    assert late == [model.operation_id]
    assert model.label_count == 10 and labelled.operation(model.operation_id).attempt == 2
    assert labelled.project.active_model_id == model.model_id


def test_a_model_of_a_later_revision_stays_active(
    labelled: Rounds, add_model: Callable[..., object]
) -> None:
    later = labelled.project.revision + 100
    add_model("rounds", "m-later", revision=later)
    active = replace(labelled.project, active_model_id="m-later")
    labelled.catalog.transact(lambda tx: tx.projects.update(active))
    model = labelled.learn(force=True)
    assert model.state is ModelState.READY
    assert labelled.project.active_model_id == "m-later"


def test_each_training_begins_where_the_active_model_ended(labelled: Rounds) -> None:
    labelled.learn()
    assert labelled.trainer.jobs[0].warm is None
    labelled.label(["i7"])
    labelled.learn()
    warm = labelled.trainer.jobs[1].warm
    assert warm is not None and warm.head.weights.shape == (3, 4)
    first = labelled.trainer.fit(labelled.trainer.jobs[0], silent, None)  # type: ignore[arg-type]
    np.testing.assert_array_equal(warm.head.weights, first.head.weights)


def test_a_project_that_was_deleted_meanwhile_is_left_in_peace(labelled: Rounds) -> None:
    labelled.train()
    operation = labelled.claim()
    labelled.trainer.before = lambda *_: labelled.catalog.transact(
        lambda tx: tx.projects.delete("rounds")
    )
    labelled.run(operation)
    with pytest.raises(errors.ProjectNotFound):
        labelled.run(operation)


def test_whoever_asks_whether_to_stop_is_told(labelled: Rounds) -> None:
    cancel = CancelFlag()
    asked: list[bool] = []

    def ask(_job: object, _progress: object, stop: object) -> None:
        asked.append(stop.is_set())  # type: ignore[attr-defined]
        cancel.cancel()
        asked.append(stop.is_set())  # type: ignore[attr-defined]

    labelled.trainer.before = ask
    labelled.train()
    labelled.run(labelled.claim(), cancel)
    assert asked == [False, True]


def test_progress_is_told_and_may_stop_the_work(labelled: Rounds) -> None:
    def stop(_share: float, _stage: str) -> None:
        raise errors.Cancelled("stop")

    labelled.train()
    operation = labelled.claim()
    with pytest.raises(errors.Cancelled):
        labelled.wiring.make(RunTraining)(operation, stop, CancelFlag())
    assert labelled.trainer.jobs == []
