"""When a training is put on the queue, and what it will make."""

from collections.abc import Callable, Sequence

import pytest

from alservice.domain import errors
from alservice.domain.label import Answer, Outcome
from alservice.domain.model import ModelState
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.project import Retrain, VectorSpace
from alservice.usecases.fail_operation import FailOperation
from alservice.usecases.queue_training import QueueTraining
from alservice.usecases.require import lock_project
from tests.rounds import CLASSES, Rounds, ids, truth


def queued(rounds: Rounds) -> Operation | None:
    """The one training that is queued or running, if there is one."""
    found = rounds.catalog.read(
        lambda tx: tx.operations.unfinished(rounds.project_id, OperationKind.TRAIN)
    )
    assert len(found) <= 1
    return found[0] if found else None


def queue(rounds: Rounds, learner: str = "logistic") -> Operation:
    queue_training: QueueTraining = rounds.wiring.make(QueueTraining)
    return rounds.catalog.transact(
        lambda tx: queue_training(tx, lock_project(tx, "rounds"), learner, activate=False)
    )


@pytest.fixture
def auto(start: Callable[..., Rounds]) -> Rounds:
    """A project that trains by itself, with 600 items."""
    rounds = start(retrain=Retrain.AUTO)
    rounds.add(ids(600))
    return rounds


def label_in_parts(rounds: Rounds, item_ids: Sequence[str], size: int) -> list[int]:
    """After how many labels, sent `size` at a time, a training was queued."""
    found, before = [], queued(rounds)
    for at in range(0, len(item_ids), size):
        rounds.label(item_ids[at : at + size])
        now = queued(rounds)
        if now != before:
            found.append(at + size)
            before = now
    return found


def test_a_queued_training_names_the_model_that_it_will_make(rounds: Rounds) -> None:
    rounds.label(ids(4))
    operation = queue(rounds)
    assert (operation.state, operation.kind) == (OperationState.QUEUED, OperationKind.TRAIN)
    assert operation.request["activate"] is False and queued(rounds) == operation
    assert operation.model_id is not None
    model = rounds.model(operation.model_id)
    assert (model.state, model.class_ids) == (ModelState.TRAINING, CLASSES)
    assert model.operation_id == operation.operation_id


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [Answer(item_id=i, class_id="cat") for i in ids(5)],
        [
            Answer(item_id="i0", class_id="cat"),
            Answer(item_id="i1", outcome=Outcome.UNUSABLE),
            Answer(item_id="i2", outcome=Outcome.FLAG),
        ],
    ],
)
def test_fewer_than_two_classes_cannot_be_learned(rounds: Rounds, answers: list[Answer]) -> None:
    if answers:
        rounds.submit(*answers)
    with pytest.raises(errors.TrainingNeedsTwoClasses) as caught:
        queue(rounds)
    assert caught.value.metadata["classes_with_labels"] == str(min(1, len(answers)))
    assert queued(rounds) is None


def test_labels_of_the_audit_are_nothing_to_learn_from(start: Callable[..., Rounds]) -> None:
    rounds = start(reserve_share=0.5, audit_share=0.5)
    rounds.add(ids(60))
    audit = [i.item_id for i in rounds.query(20).batch.items if i.arm == "audit"]
    rounds.label(audit)
    with pytest.raises(errors.TrainingNeedsTwoClasses):
        queue(rounds)


def test_an_unknown_learner_is_refused_with_what_was_meant(rounds: Rounds) -> None:
    rounds.label(ids(4))
    with pytest.raises(errors.LearnerUnknown) as caught:
        queue(rounds, "logisitc")
    assert caught.value.metadata["did_you_mean"] == "logistic"


def test_by_itself_a_project_trains_first_after_twenty_labels_and_once(auto: Rounds) -> None:
    assert label_in_parts(auto, ids(100), 10) == [20]


def test_then_after_twenty_more_or_a_tenth(auto: Rounds) -> None:
    auto.label(ids(20))
    auto.run(auto.claim())
    assert label_in_parts(auto, ids(30, 20), 10) == [20]
    auto.run(auto.claim())
    auto.label(ids(400, 50))
    auto.run(auto.claim())
    # 450 labels are settled, so a tenth is 45 and then more: 50 of 500.
    assert label_in_parts(auto, ids(80, 450), 5) == [50]


def test_labels_that_come_with_the_items_start_a_training_too(auto: Rounds) -> None:
    auto.add(ids(40, 600), class_ids=tuple(map(truth, ids(40, 600))))
    assert queued(auto) is not None


def test_labels_of_one_class_start_nothing_until_there_are_two(auto: Rounds) -> None:
    auto.label(f"i{n}" for n in range(0, 60, 2))
    assert queued(auto) is None
    auto.label(["i1"])
    assert queued(auto) is not None


def test_a_project_that_is_trained_by_hand_does_nothing_by_itself(rounds: Rounds) -> None:
    rounds.label(ids(40))
    assert queued(rounds) is None


def test_the_labels_that_the_active_model_has_not_seen_are_counted(rounds: Rounds) -> None:
    assert rounds.label(ids(4)).unseen_label_count == 4
    rounds.learn()
    assert rounds.label(ids(2, 4)).unseen_label_count == 2
    rounds.learn(activate=False)
    assert rounds.label(ids(1, 6)).unseen_label_count == 3


def test_after_a_failure_a_project_waits_for_more_labels_before_it_tries_again(
    auto: Rounds,
) -> None:
    auto.label(ids(20))
    end: FailOperation = auto.wiring.make(FailOperation)
    end(auto.claim(), OperationState.FAILED, errors.TrainingFailed("no luck"))
    assert label_in_parts(auto, ids(30, 20), 5) == [20]


def test_without_vectors_there_is_nothing_to_learn_from(start: Callable[..., Rounds]) -> None:
    rounds = start(space=VectorSpace(dimension=0), retrain=Retrain.AUTO)
    rounds.add(ids(40), dimension=0)
    rounds.label(ids(40))
    assert queued(rounds) is None
    with pytest.raises(errors.VectorsMissing):
        queue(rounds)
