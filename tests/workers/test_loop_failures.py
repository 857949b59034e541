"""An operation that fails unforeseen says what kind of work it was, and nothing of the cause."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from alservice.core import CancelFlag
from alservice.domain.errors import (
    AlserviceError,
    CacheFull,
    CatalogUnavailable,
    Conflict,
    DiskFull,
    ObjectStoreUnavailable,
)
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.usecases.fail_operation import FailOperation
from alservice.workers.loop import MOST_CONFLICTS, MOST_FULL, Handler, Run, WorkerLoop, pause_ms
from tests.rounds import Rounds
from tests.workers.worker import PATIENCE_S

REASONS = {
    OperationKind.TRAIN: "TRAINING_FAILED",
    OperationKind.MERGE: "HOUSEKEEPING_FAILED",
    OperationKind.BUILD_INDEX: "INDEX_FAILED",
    OperationKind.SIMULATE: "SIMULATION_FAILED",
    OperationKind.IMPORT: "IMPORT_FAILED",
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

    with working(rounds, run, over, "o-again"):
        waiting = given_back(rounds, "o-again")
        assert waiting.lease_until_ms > rounds.catalog.now_ms()
        # As if its time had come.
        rounds.catalog.transact(lambda tx: tx.operations.give_back(waiting, 0))
    again = rounds.operation("o-again")
    assert (again.attempt, again.lapses, again.error_reason) == (2, 0, "")


def test_what_cannot_be_done_for_now_keeps_nobody_waiting(rounds: Rounds) -> None:
    over = threading.Event()
    begun: list[str] = []

    def run(operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        begun.append(operation.operation_id)
        if operation.operation_id == "o-1":
            raise ObjectStoreUnavailable("no answer", object="s-1", cause="unreachable")
        over.set()

    with working(rounds, run, over, "o-1", "o-2"):
        pass
    assert begun == ["o-1", "o-2"]


@pytest.mark.parametrize("cause", ["permission", "missing"])
def test_what_the_object_store_refuses_has_failed(rounds: Rounds, cause: str) -> None:
    over = threading.Event()

    def run(operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        if operation.operation_id == "o-1":
            raise ObjectStoreUnavailable("check the credentials", object="s-1", cause=cause)
        over.set()

    with working(rounds, run, over, "o-1", "o-2"):
        pass
    failed = rounds.operation("o-1")
    assert (failed.state, failed.error_reason) == (
        OperationState.FAILED,
        "OBJECT_STORE_UNAVAILABLE",
    )
    assert failed.error_message == "check the credentials"


@pytest.mark.parametrize("full", [DiskFull("free space"), CacheFull("free space")])
def test_what_meets_a_full_disk_is_tried_where_there_may_be_room_but_not_for_ever(
    rounds: Rounds, full: AlserviceError
) -> None:
    over = threading.Event()

    def run(operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        if operation.operation_id == "o-1":
            raise full
        over.set()

    with working(rounds, run, over, "o-1"):
        for attempt in range(1, MOST_FULL):
            waiting = given_back(rounds, "o-1", attempt)
            assert waiting.lease_until_ms > rounds.catalog.now_ms()
            # As if its time had come.
            rounds.catalog.transact(lambda tx, w=waiting: tx.operations.give_back(w, 0))  # type: ignore[misc]
        queued(rounds, "o-2")
    failed = rounds.operation("o-1")
    assert (failed.state, failed.attempt) == (OperationState.FAILED, MOST_FULL)
    assert (failed.error_reason, failed.error_message) == (full.reason, "free space")


def test_an_import_that_met_a_conflict_goes_on_but_not_for_ever(rounds: Rounds) -> None:
    kind, over = OperationKind.IMPORT, threading.Event()

    def run(operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        if operation.operation_id == "o-1":
            raise Conflict("a part of this work has expired")
        over.set()

    with working(rounds, run, over, "o-1", kind=kind):
        for attempt in range(1, MOST_CONFLICTS):
            waiting = given_back(rounds, "o-1", attempt)
            assert waiting.lease_until_ms > rounds.catalog.now_ms()
            # As if its time had come.
            rounds.catalog.transact(lambda tx, w=waiting: tx.operations.give_back(w, 0))  # type: ignore[misc]
        queued(rounds, "o-2", kind=kind)
    failed = rounds.operation("o-1")
    assert (failed.state, failed.attempt) == (OperationState.FAILED, MOST_CONFLICTS)
    assert failed.error_reason == "CONFLICT"


def test_pauses_double_up_to_a_minute() -> None:
    assert [pause_ms(n) for n in range(1, 7)] == [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]
    assert pause_ms(10**6) == 60_000


@contextmanager
def working(
    rounds: Rounds,
    run: Run,
    over: threading.Event,
    *operation_ids: str,
    kind: OperationKind = OperationKind.TRAIN,
) -> Iterator[None]:
    """A loop that does this work in this order; at the end it waits until `over`."""
    queued(rounds, *operation_ids, kind=kind)
    end: FailOperation = rounds.wiring.make(FailOperation)
    kinds = {kind: Handler(run, end)}
    loop = WorkerLoop(rounds.catalog, kinds, "me", threading.Event())
    loop.start()
    try:
        yield
        assert over.wait(PATIENCE_S)
    finally:
        loop.stop()


def queued(rounds: Rounds, *operation_ids: str, kind: OperationKind = OperationKind.TRAIN) -> None:
    """Work of one kind, to be done in this order."""
    for number, name in enumerate(operation_ids):
        asked = Operation(
            operation_id=name,
            project_id=rounds.project_id,
            kind=kind,
            create_time_ms=number,
        )
        rounds.catalog.transact(lambda tx, asked=asked: tx.operations.insert(asked))  # type: ignore[misc]


def given_back(rounds: Rounds, operation_id: str, attempt: int = 1) -> Operation:
    """The operation, once this attempt has been given back."""
    pause, end_s = threading.Event(), time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        found = rounds.operation(operation_id)
        if found.attempt >= attempt and not found.owner:
            return found
        pause.wait(0.01)
    raise AssertionError(f"{operation_id} was not given back")
