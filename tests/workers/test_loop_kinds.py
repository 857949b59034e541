"""Long operations have a worker of their own, so that short ones need not wait."""

import threading
from collections.abc import Iterator

import pytest

from alservice.core import CancelFlag
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.usecases.fail_operation import FailOperation
from alservice.usecases.run_training import RunTraining
from alservice.workers import loop as module
from alservice.workers.loop import Handler, WorkerLoop
from tests.rounds import Rounds
from tests.usecases.indexes import ask
from tests.workers.worker import PATIENCE_S


@pytest.fixture
def begun() -> threading.Event:
    return threading.Event()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def ended(rounds: Rounds, operation_id: str, until: threading.Event) -> Operation:
    """The operation once it is done, as whoever set `until` has left it."""
    assert until.wait(PATIENCE_S)
    return rounds.operation(operation_id)


def test_a_training_is_done_while_an_index_is_built(
    rounds: Rounds, begun: threading.Event, release: threading.Event
) -> None:
    trained = threading.Event()
    train: RunTraining = rounds.wiring.make(RunTraining)
    end: FailOperation = rounds.wiring.make(FailOperation)

    def index(_operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        begun.set()
        release.wait(PATIENCE_S)

    def learn(operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        train(operation, progress, cancel)
        trained.set()

    kinds = {OperationKind.TRAIN: learn, OperationKind.BUILD_INDEX: index}
    loops = [
        WorkerLoop(rounds.catalog, {kind: Handler(run, end)}, "me", threading.Event())
        for kind, run in kinds.items()
    ]
    ask(rounds)
    rounds.label(["i0", "i1", "i2", "i3"])
    asked = rounds.train().operation.operation_id
    for loop in loops:
        loop.start()
    try:
        assert begun.wait(PATIENCE_S)
        assert ended(rounds, asked, trained).state is OperationState.SUCCEEDED
    finally:
        release.set()
        for loop in loops:
            loop.stop()


def test_an_index_that_fails_unforeseen_says_that_it_was_an_index(
    rounds: Rounds, begun: threading.Event
) -> None:
    end: FailOperation = rounds.wiring.make(FailOperation)

    def fail(_operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        raise ValueError("secret")

    def ending(operation: Operation, state: OperationState, error: Exception) -> None:
        end(operation, state, error)  # type: ignore[arg-type]
        begun.set()

    handlers = {OperationKind.BUILD_INDEX: Handler(fail, ending)}
    loop = WorkerLoop(rounds.catalog, handlers, "me", threading.Event())
    operation = ask(rounds)
    loop.start()
    try:
        failed = ended(rounds, operation.operation_id, begun)
    finally:
        loop.stop()
    assert (failed.state, failed.error_reason) == (OperationState.FAILED, "INDEX_FAILED")
    assert "secret" not in failed.error_message


def test_a_loop_without_handlers_claims_nothing_and_does_its_chores(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.0)
    monkeypatch.setattr(module, "CHORES_S", 0.0)
    twice = threading.Barrier(2)
    loop = WorkerLoop(
        rounds.catalog, {}, "me", threading.Event(), (lambda: twice.wait(PATIENCE_S),)
    )
    asked = rounds.train().operation.operation_id
    loop.start()
    try:
        for _ in range(2):  # the loop looked for work before each
            twice.wait(PATIENCE_S)
        assert rounds.operation(asked).state is OperationState.QUEUED
    finally:
        monkeypatch.setattr(module, "CHORES_S", 3600.0)
        twice.abort()
        loop.stop()
