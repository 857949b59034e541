"""An operation that fails unforeseen says what kind of work it was, and nothing of the cause."""

import threading

import pytest

from alservice.core import CancelFlag
from alservice.domain.errors import CatalogUnavailable
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.usecases.fail_operation import FailOperation
from alservice.workers.loop import Handler, WorkerLoop
from tests.rounds import Rounds
from tests.workers.worker import PATIENCE_S

REASONS = {
    OperationKind.TRAIN: "TRAINING_FAILED",
    OperationKind.MERGE: "HOUSEKEEPING_FAILED",
    OperationKind.BUILD_INDEX: "INDEX_FAILED",
    OperationKind.SIMULATE: "SIMULATION_FAILED",
}


@pytest.mark.parametrize("kind", OperationKind)
def test_an_unforeseen_failure_is_that_of_its_kind(rounds: Rounds, kind: OperationKind) -> None:
    over = threading.Event()
    end: FailOperation = rounds.wiring.make(FailOperation)

    def fail(_operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        raise ValueError("secret")

    def ending(operation: Operation, state: OperationState, error: Exception) -> None:
        end(operation, state, error)  # type: ignore[arg-type]
        over.set()

    asked = Operation(operation_id="o-fails", project_id=rounds.project_id, kind=kind)
    rounds.catalog.transact(lambda tx: tx.operations.insert(asked))
    loop = WorkerLoop(rounds.catalog, {kind: Handler(fail, ending)}, "me", threading.Event())
    loop.start()
    try:
        assert over.wait(PATIENCE_S)
    finally:
        loop.stop()
    failed = rounds.operation("o-fails")
    assert (failed.state, failed.error_reason) == (OperationState.FAILED, REASONS[kind])
    assert "secret" not in failed.error_message


def test_what_is_cut_off_by_an_outage_is_done_again_and_has_not_failed(rounds: Rounds) -> None:
    over = threading.Event()

    def run(operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        if operation.attempt == 1:
            raise CatalogUnavailable("the database cannot be reached")
        over.set()

    asked = Operation(
        operation_id="o-again", project_id=rounds.project_id, kind=OperationKind.TRAIN
    )
    rounds.catalog.transact(lambda tx: tx.operations.insert(asked))
    end: FailOperation = rounds.wiring.make(FailOperation)
    kinds = {OperationKind.TRAIN: Handler(run, end)}
    loop = WorkerLoop(rounds.catalog, kinds, "me", threading.Event())
    loop.start()
    try:
        assert over.wait(PATIENCE_S)
    finally:
        loop.stop()
    again = rounds.operation("o-again")
    assert (again.attempt, again.lapses, again.error_reason) == (2, 0, "")
