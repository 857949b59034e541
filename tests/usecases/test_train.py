"""Train queues, joins what runs, or finds that there is nothing new."""

from collections.abc import Sequence

import pytest

from alservice.domain import errors
from alservice.domain.model import ModelState
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.project import ClassLabel
from alservice.usecases.add_classes import AddClasses, AddClassesCommand
from alservice.usecases.delete_operation import DeleteOperation, DeleteOperationCommand
from alservice.usecases.fail_operation import FailOperation
from alservice.usecases.train import Train, TrainCommand
from tests.rounds import Rounds, a_call, ids


@pytest.fixture
def labelled(rounds: Rounds) -> Rounds:
    rounds.label(ids(6))
    return rounds


def unfinished(rounds: Rounds) -> Sequence[Operation]:
    return rounds.catalog.read(lambda tx: tx.operations.unfinished("rounds", OperationKind.TRAIN))


def forget(rounds: Rounds, operation_id: str) -> None:
    command = DeleteOperationCommand(rounds.project_id, operation_id)
    rounds.wiring.make(DeleteOperation)(a_call(), command)


def test_the_answer_names_the_model_at_once_and_wakes_a_worker(labelled: Rounds) -> None:
    woken: list[bool] = []
    train: Train = labelled.wiring.make(Train)
    train = Train(train.catalog, train.queue, lambda: woken.append(True))
    result = train(a_call(), TrainCommand(project_id="rounds"))
    assert result.operation.state is OperationState.QUEUED and woken == [True]
    assert result.model.state is ModelState.TRAINING
    assert labelled.model(result.model.model_id) == result.model


def test_one_that_waits_is_joined_by_whoever_asks_for_the_same(labelled: Rounds) -> None:
    first = labelled.train()
    labelled.label(ids(6, 6))
    for fields in ({}, {"force": True}, {"learner": "logistic"}):
        assert labelled.train(**fields) == first
    others = [labelled.train(learner="nearest"), labelled.train(activate=False)]
    assert len({first.model.model_id, *(other.model.model_id for other in others)}) == 3


def test_one_that_runs_is_joined_unless_labels_came_since_it_was_asked_for(
    labelled: Rounds,
) -> None:
    first = labelled.train()
    operation = labelled.claim()
    joined = labelled.train()
    assert joined.operation == operation and joined.model == first.model
    labelled.ask(3)
    assert labelled.train().operation == operation
    labelled.label(ids(6, 6))
    following = labelled.train()
    assert following.model.model_id != first.model.model_id
    assert labelled.train() == following


def test_one_that_is_to_be_cancelled_is_not_joined(labelled: Rounds) -> None:
    first = labelled.train().operation.operation_id
    labelled.catalog.transact(lambda tx: tx.operations.request_cancel("rounds", first))
    assert labelled.train().operation.operation_id != first


def test_a_model_that_is_ready_but_not_active_is_activated_without_training(
    labelled: Rounds,
) -> None:
    model = labelled.learn(activate=False)
    assert labelled.train(activate=False).model == model
    before = labelled.project
    assert labelled.train().model == model
    after = labelled.project
    assert (before.active_model_id, after.active_model_id) == (None, model.model_id)
    assert not unfinished(labelled)


def test_a_label_that_was_taken_away_is_something_new_too(labelled: Rounds) -> None:
    model = labelled.learn()
    labelled.pool.delete("i0")
    again = labelled.learn()
    assert again.model_id != model.model_id and again.label_count == 5
    labelled.pool.delete("i30")
    labelled.ask(3)
    assert labelled.train().model == again


def test_with_nothing_new_the_operation_comes_back_done(labelled: Rounds) -> None:
    model = labelled.learn()
    again = labelled.train()
    assert again.operation.state is OperationState.SUCCEEDED
    assert again.model == model
    assert not unfinished(labelled)


def test_it_comes_back_done_even_if_the_operation_was_deleted(labelled: Rounds) -> None:
    model = labelled.learn()
    forget(labelled, model.operation_id)
    again = labelled.train()
    assert (again.operation.state, again.model) == (OperationState.SUCCEEDED, model)
    assert labelled.operation(model.operation_id) == again.operation


def test_force_another_learner_a_label_and_a_class_are_something_new(labelled: Rounds) -> None:
    seen = {labelled.learn().model_id}
    add_class = AddClassesCommand("rounds", (ClassLabel("fox"),))
    for change, fields in (
        (lambda: None, {"force": True}),
        (lambda: None, {"learner": "nearest"}),
        (lambda: labelled.label(["i7"]), {"learner": "nearest"}),
        (lambda: labelled.wiring.make(AddClasses)(a_call(), add_class), {"learner": "nearest"}),
    ):
        change()
        model = labelled.learn(**fields)
        assert model.model_id not in seen and model.state is ModelState.READY
        seen.add(model.model_id)
    assert model.class_ids[-1] == "fox"


def test_a_class_that_came_between_is_named_until_the_next_training(labelled: Rounds) -> None:
    labelled.learn()
    add_class = AddClassesCommand("rounds", (ClassLabel("fox"),))
    labelled.wiring.make(AddClasses)(a_call(), add_class)
    assert "fox" in labelled.query(2).notes[0]
    labelled.learn()
    assert labelled.query(2).notes == ()


def test_after_a_failure_training_is_tried_again(labelled: Rounds) -> None:
    failed = labelled.train()
    end: FailOperation = labelled.wiring.make(FailOperation)
    end(labelled.claim(), OperationState.FAILED, errors.TrainingFailed("no luck"))
    again = labelled.train()
    assert again.operation.operation_id != failed.operation.operation_id
    assert labelled.learn().state is ModelState.READY


def test_a_repeated_request_returns_the_same_operation_as_it_is_now(labelled: Rounds) -> None:
    first = labelled.train(call=a_call("Train", "r1"))
    labelled.run(labelled.claim())
    labelled.label(ids(6, 6))
    again = labelled.train(call=a_call("Train", "r1"))
    assert again.operation == labelled.operation(first.operation.operation_id)
    assert again.operation.state is OperationState.SUCCEEDED
    with pytest.raises(errors.RequestIdReused):
        labelled.train(call=a_call("Train", "r1", "another"))


@pytest.mark.parametrize("fails", [False, True])
def test_a_repeated_request_trains_nothing_even_if_its_operation_was_deleted(
    labelled: Rounds,
    fails: bool,  # noqa: FBT001
) -> None:
    first = labelled.train(call=a_call("Train", "r1"))
    if fails:
        end: FailOperation = labelled.wiring.make(FailOperation)
        end(labelled.claim(), OperationState.FAILED, errors.TrainingFailed("no luck"))
    else:
        labelled.run(labelled.claim())
    forget(labelled, first.operation.operation_id)
    labelled.label(ids(6, 6))
    again = labelled.train(call=a_call("Train", "r1"))
    state = OperationState.FAILED if fails else OperationState.SUCCEEDED
    assert (again.operation.operation_id, again.operation.state) == (
        first.operation.operation_id,
        state,
    )
    assert again.operation.error_message == ("no luck" if fails else "")
    assert not unfinished(labelled)


def test_what_cannot_be_trained_is_refused(rounds: Rounds) -> None:
    with pytest.raises(errors.TrainingNeedsTwoClasses):
        rounds.train()
    with pytest.raises(errors.LearnerUnknown):
        rounds.train(learner="forest")
    with pytest.raises(errors.ProjectNotFound):
        rounds.wiring.make(Train)(a_call(), TrainCommand(project_id="elsewhere"))
