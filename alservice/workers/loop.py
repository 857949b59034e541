"""The loop that claims operations, keeps their leases alive, and carries them to an end.

Any replica may pick up what a dead one left: what counts is the attempt number of the claim,
which every write of the worker names.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from alservice.core import CancelFlag
from alservice.core import Cancelled as KernelCancelled
from alservice.domain.errors import (
    AlserviceError,
    CacheFull,
    Cancelled,
    Conflict,
    DiskFull,
    HousekeepingFailed,
    ImportFailed,
    IndexFailed,
    ObjectStoreUnavailable,
    ShuttingDown,
    SimulationFailed,
    TrainingFailed,
    Unavailable,
)
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.ports.catalog import Catalog
from alservice.telemetry.work_metrics import WorkMetrics, name_of
from alservice.workers.heartbeat import IDLE_S, LEASE_MS, Heartbeat, Work

CHORES_S: Final = 60.0
MOST_LAPSES: Final = 5
MOST_FULL: Final = 3  # attempts of which each met a full disk: other replicas' may have room
MOST_CONFLICTS: Final = 5  # attempts of an import of which others changed what it needs
# After an outage: so that an operation which cannot go on keeps nobody from the others.
PAUSE_MS: Final = 5_000  # doubled with each attempt
LONGEST_PAUSE_MS: Final = 60_000
FAILURES: Final[Mapping[OperationKind, type[AlserviceError]]] = {
    OperationKind.TRAIN: TrainingFailed,
    OperationKind.MERGE: HousekeepingFailed,
    OperationKind.BUILD_INDEX: IndexFailed,
    OperationKind.SIMULATE: SimulationFailed,
    OperationKind.IMPORT: ImportFailed,
}

Run = Callable[[Operation, Progress, CancelFlag], None]
End = Callable[[Operation, OperationState, AlserviceError], None]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Handler:
    """What to do for one kind of operation: `run` commits success itself, `end` a failure."""

    run: Run
    end: End


class WorkerLoop:
    """Works in one thread of its own, one operation after the other."""

    def __init__(
        self,
        catalog: Catalog,
        handlers: Mapping[OperationKind, Handler],
        owner: str,
        wake: threading.Event,
        chores: Sequence[Callable[[], object]] = (),
        metrics: WorkMetrics | None = None,
    ) -> None:
        """Prepare: it takes the kinds of operations that it has handlers for, if any.

        `owner` names this process. Whoever queues an operation sets `wake`, which no other loop
        may wait for. `chores` are done now and then between operations, each whatever became of
        those before it.
        """
        self._catalog = catalog
        self._handlers = handlers
        self._kinds = tuple(handlers)
        self._owner = owner
        self._chores = [(name_of(chore), chore) for chore in chores]
        self._metrics = metrics or WorkMetrics()
        self._metrics.expect(name for name, _ in self._chores)
        self._wake = wake
        self._stopping = threading.Event()
        self._chores_due_s = 0.0
        self._current: Work | None = None
        self._thread = threading.Thread(target=self._loop, name="worker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End what is running without finishing it, so that it is claimed again; waits.

        Idempotent.
        """
        self._stopping.set()
        self._wake.set()
        work = self._current
        if work is not None:
            work.cancel.cancel()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            worked = self._survive(self._step)
            # Beside the operations, however many wait: what is due may free the disk they need.
            self._survive(self._do_chores)
            if not worked:
                self._wake.wait(IDLE_S)
                self._wake.clear()

    def _survive(self, step: Callable[[], object]) -> bool:
        """Whether `step` returned something true; False, and a line in the log, if it raised."""
        try:
            return bool(step())
        except AlserviceError as error:
            log.warning("worker.step_failed", reason=error.reason, message=str(error))
        except Exception:
            log.exception("worker.step_failed")
        return False

    def _step(self) -> bool:
        """Work on one operation, if there is one."""
        if not self._kinds:
            return False
        operation = self._catalog.transact(
            lambda tx: tx.operations.claim(self._owner, tx.now_ms(), LEASE_MS, self._kinds)
        )
        if operation is None:
            return False
        self._work_on(Work(operation))
        return True

    def _do_chores(self) -> bool:
        """Do the chores, if they are due."""
        due = not self._stopping.is_set() and time.monotonic() >= self._chores_due_s
        if due:
            self._chores_due_s = time.monotonic() + CHORES_S
            for name, chore in self._chores:
                self._survive(partial(self._do_chore, name, chore))
        return due

    def _do_chore(self, name: str, chore: Callable[[], object]) -> None:
        with self._metrics.chore(name):
            chore()

    def _work_on(self, work: Work) -> None:
        self._current = work
        kind = work.operation.kind.value
        self._metrics.count(kind, "claimed")
        if self._stopping.is_set():
            work.cancel.cancel()
        try:
            with Heartbeat(self._catalog, work):
                self._run(work)
        finally:
            self._current = None
            self._metrics.count(kind, work.outcome)
        if work.given_back:  # after the last heartbeat, which would lease it again
            self._give_back(work)

    def _run(self, work: Work) -> None:
        operation = work.operation
        handler = self._handlers[operation.kind]
        log.info("operation.started", **_told(operation))
        try:
            _refuse_poison(operation)
            _refuse_cancelled(work)
            handler.run(operation, work.report, work.cancel)
            work.outcome = "succeeded"
            log.info("operation.done", **_told(operation))
        except (Cancelled, KernelCancelled):
            self._cancelled(work, handler)
        except AlserviceError as error:
            if _is_passing(error, operation):
                self._interrupted(work, error)
                return
            log.warning("operation.failed", reason=error.reason, **_told(operation))
            handler.end(operation, OperationState.FAILED, error)
        except Exception:
            log.exception("operation.failed", **_told(operation))
            failure = _failure(operation, "the operation failed; the server's log tells more")
            handler.end(operation, OperationState.FAILED, failure)

    def _cancelled(self, work: Work, handler: Handler) -> None:
        """By a caller: that is the end. By a drain or a lost lease: somebody will do it again."""
        if work.asked_to_stop and not work.lost:
            error = Cancelled("the operation was cancelled")
            handler.end(work.operation, OperationState.CANCELLED, error)
            work.outcome = "cancelled"
            log.info("operation.cancelled", **_told(work.operation))
        else:
            _leave(work)

    def _interrupted(self, work: Work, error: AlserviceError) -> None:
        """By an outage or a full disk, not by its own fault: somebody will do it again, later."""
        log.warning("operation.interrupted", reason=error.reason, **_told(work.operation))
        _leave(work)
        if not isinstance(error, ShuttingDown):
            work.pause_ms = pause_ms(work.operation.attempt)

    def _give_back(self, work: Work) -> None:
        self._catalog.transact(
            lambda tx: tx.operations.give_back(work.operation, tx.now_ms() + work.pause_ms)
        )


def pause_ms(attempt: int) -> int:
    """How long an operation waits whose attempt of this number, from 1 on, met an outage."""
    doublings = min(attempt - 1, LONGEST_PAUSE_MS.bit_length())
    return min(PAUSE_MS << doublings, LONGEST_PAUSE_MS)


def _is_passing(error: AlserviceError, operation: Operation) -> bool:
    """Whether the same work may go well later or elsewhere, without anybody's doing."""
    if isinstance(error, DiskFull | CacheFull):
        return operation.attempt < MOST_FULL
    if isinstance(error, Conflict):  # an import keeps what has arrived: the next goes on there
        return operation.kind is OperationKind.IMPORT and operation.attempt < MOST_CONFLICTS
    refused = isinstance(error, ObjectStoreUnavailable) and error.refused
    return isinstance(error, Unavailable) and not refused


def _refuse_poison(operation: Operation) -> None:
    if operation.lapses >= MOST_LAPSES:
        text = (
            f"{MOST_LAPSES} workers in turn died at the operation or hung, and none got further "
            "than those before; it is given up"
        )
        raise _failure(operation, text)


def _failure(operation: Operation, text: str) -> AlserviceError:
    return FAILURES[operation.kind](text)


def _refuse_cancelled(work: Work) -> None:
    if work.operation.cancel_requested:
        work.asked_to_stop = True
        raise Cancelled("the operation was cancelled")


def _leave(work: Work) -> None:
    """Let another worker go on with it, or leave it to the one that has done so."""
    work.given_back = not work.lost
    work.outcome = "lost" if work.lost else "given_back"


def _told(operation: Operation) -> dict[str, object]:
    return {
        "operation": operation.operation_id,
        "project": operation.project_id,
        "kind": operation.kind.value,
        "attempt": operation.attempt,
    }
