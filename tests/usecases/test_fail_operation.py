"""How an operation that did not succeed is written down."""

import pytest

from alservice.domain.errors import Cancelled, TrainingFailed
from alservice.domain.model import ModelState
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.usecases.fail_operation import FailOperation
from tests.rounds import Rounds, ids
from tests.usecases.conftest import Clock


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (OperationState.FAILED, TrainingFailed("no luck")),
        (OperationState.CANCELLED, Cancelled("nobody wants it")),
    ],
)
def test_the_operation_and_its_model_say_why(
    rounds: Rounds, state: OperationState, error: TrainingFailed | Cancelled
) -> None:
    rounds.label(ids(4))
    model_id = rounds.train().model.model_id
    operation = rounds.claim()
    rounds.wiring.make(FailOperation)(operation, state, error)
    done = rounds.operation(operation.operation_id)
    assert (done.state, done.error_reason) == (state, error.reason)
    assert done.error_message == rounds.model(model_id).error == str(error)
    assert done.end_time_ms is not None and done.progress < 1
    assert rounds.model(model_id).state is ModelState.FAILED
    assert rounds.project.active_model_id is None


def test_an_attempt_that_is_not_the_current_one_changes_nothing(
    rounds: Rounds, clock: Clock
) -> None:
    rounds.label(ids(4))
    model_id = rounds.train().model.model_id
    first = rounds.claim()
    clock.advance(60_000)
    second = rounds.claim("another worker")
    end: FailOperation = rounds.wiring.make(FailOperation)
    end(first, OperationState.FAILED, TrainingFailed("too late"))
    assert rounds.operation(second.operation_id) == second
    assert rounds.model(model_id).state is ModelState.TRAINING
    rounds.run(second)
    end(second, OperationState.FAILED, TrainingFailed("it was done already"))
    assert rounds.model(model_id).state is ModelState.READY


def test_an_operation_without_a_model_ends_too(rounds: Rounds) -> None:
    merge = Operation(operation_id="o-merge", project_id="rounds", kind=OperationKind.MERGE)
    rounds.catalog.transact(lambda tx: tx.operations.insert(merge))
    failed = TrainingFailed("no room")
    rounds.wiring.make(FailOperation)(rounds.claim(), OperationState.FAILED, failed)
    assert rounds.operation("o-merge").error_message == "no room"
