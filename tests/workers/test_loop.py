"""Operations are carried to an end, whatever becomes of the process that began them."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from alservice.core import CancelFlag
from alservice.domain.errors import AlserviceError, Cancelled, DiskFull
from alservice.domain.learner import Progress
from alservice.domain.model import ModelState
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.usecases.fail_operation import FailOperation
from alservice.usecases.run_training import RunTraining
from alservice.workers import loop as module
from alservice.workers.loop import Handler, WorkerLoop
from alservice.workers.training_process import TrainingProcess
from tests.rounds import Rounds, wire

PATIENCE_S = 60
Behaviour = Callable[[Operation, Progress, CancelFlag], None]


@dataclass
class Worker:
    """Loops on one catalog; `said` tells of everything that they do."""

    rounds: Rounds
    wake: threading.Event = field(default_factory=threading.Event)
    said: "queue.Queue[tuple[str, Any]]" = field(default_factory=queue.Queue)
    loops: list[WorkerLoop] = field(default_factory=list)

    def start(
        self, run: Behaviour | None = None, chores: Callable[[], None] | None = None
    ) -> None:
        train: Behaviour = run or self.rounds.wiring.make(RunTraining)
        end: FailOperation = self.rounds.wiring.make(FailOperation)

        def running(operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
            self.said.put(("began", operation))
            train(operation, progress, cancel)
            self.said.put(("ran", operation))

        def ending(operation: Operation, state: OperationState, error: AlserviceError) -> None:
            end(operation, state, error)
            self.said.put((state.value, operation))

        def idle() -> None:
            self.said.put(("idle", None))
            if chores:
                chores()

        handlers = {OperationKind.TRAIN: Handler(running, ending)}
        owner = f"worker-{len(self.loops)}"
        loop = WorkerLoop(self.rounds.catalog, handlers, owner, self.wake, idle)
        self.loops.append(loop)
        loop.start()

    def hear(self, *what: str) -> Any:
        """Wait for one of these, whatever is said before; about which operation?"""
        while True:
            said, about = self.said.get(timeout=PATIENCE_S)
            if said in what:
                return about

    def stop(self) -> None:
        for loop in self.loops:
            loop.stop()


@pytest.fixture
def worker(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.01)
    made = Worker(rounds)
    yield made
    made.stop()


def until_cancelled(_operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
    """Work without end that looks now and then whether anybody still wants it."""
    pause = threading.Event()
    while not cancel.cancelled:
        pause.wait(0.001)
    progress(0.5, "never")


def test_a_queued_training_is_done(worker: Worker) -> None:
    train = worker.rounds.train()
    worker.start()
    worker.hear("ran")
    done = worker.rounds.operation(train.operation.operation_id)
    assert (done.state, done.attempt, done.owner) == (OperationState.SUCCEEDED, 1, "worker-0")
    assert worker.rounds.project.active_model_id == train.model.model_id


def test_an_idle_worker_is_woken_by_whoever_queues(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 10 * PATIENCE_S)
    worker.start()
    worker.hear("idle")
    worker.rounds.train()
    worker.wake.set()
    worker.hear("ran")


def test_what_a_stopped_worker_leaves_is_begun_again_at_once(worker: Worker) -> None:
    train = worker.rounds.train()
    worker.start(until_cancelled)
    first = worker.hear("began")
    worker.loops[0].stop()
    worker.loops[0].stop()
    left = worker.rounds.operation(train.operation.operation_id)
    assert (left.state, left.attempt) == (OperationState.RUNNING, 1)
    worker.start()
    worker.hear("ran")
    done = worker.rounds.operation(train.operation.operation_id)
    assert (done.state, done.attempt, done.owner) == (OperationState.SUCCEEDED, 2, "worker-1")
    late = replace(first, state=OperationState.FAILED)
    catalog = worker.rounds.catalog
    assert not catalog.transact(lambda tx: tx.operations.finish(late, first.attempt))


def test_a_worker_that_lost_its_lease_stops_and_writes_nothing(worker: Worker) -> None:
    rounds = worker.rounds
    train = rounds.train()

    def robbed(operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        stolen = rounds.catalog.transact(
            lambda tx: tx.operations.claim("thief", tx.now_ms() + 3_600_000, 3_600_000)
        )
        worker.said.put(("stolen", stolen))
        until_cancelled(operation, progress, cancel)

    worker.start(robbed)
    stolen = worker.hear("stolen")
    worker.hear("idle")
    assert rounds.operation(train.operation.operation_id) == stolen
    assert (stolen.owner, stolen.attempt) == ("thief", 2)
    assert rounds.model(train.model.model_id).state is ModelState.TRAINING


def test_progress_is_shown_with_the_heartbeat(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = WorkerLoop._beat

    def told(self: WorkerLoop, work: Any) -> None:
        share = work.progress
        beat(self, work)
        worker.said.put((f"beat {share}", None))

    def half(operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        progress(0.5, "half way")
        until_cancelled(operation, progress, cancel)

    monkeypatch.setattr(WorkerLoop, "_beat", told)
    train = worker.rounds.train()
    worker.start(half)
    worker.hear("beat 0.5")
    shown = worker.rounds.operation(train.operation.operation_id)
    assert (shown.progress, shown.stage) == (0.5, "half way")
    assert shown.lease_until_ms > 0


def test_a_cancelled_training_ends_as_cancelled(worker: Worker) -> None:
    rounds = worker.rounds
    train = rounds.train()
    worker.start(until_cancelled)
    began = worker.hear("began")
    rounds.catalog.transact(lambda tx: tx.operations.request_cancel("rounds", began.operation_id))
    worker.hear("cancelled")
    done = rounds.operation(began.operation_id)
    assert (done.state, done.error_reason) == (OperationState.CANCELLED, Cancelled.reason)
    assert rounds.model(train.model.model_id).state is ModelState.FAILED


def test_what_was_cancelled_before_it_began_never_begins(worker: Worker) -> None:
    rounds = worker.rounds
    operation_id = rounds.train().operation.operation_id
    rounds.catalog.transact(lambda tx: tx.operations.request_cancel("rounds", operation_id))
    worker.start()
    assert worker.said.get(timeout=PATIENCE_S)[0] == "cancelled"
    assert rounds.trainer.jobs == []


def test_what_kills_every_worker_is_given_up(worker: Worker) -> None:
    rounds = worker.rounds
    train = rounds.train()
    for attempt in range(1, 6):
        dead = rounds.catalog.transact(lambda tx: tx.operations.claim("dead", tx.now_ms(), -1))
        assert dead is not None and dead.attempt == attempt
    worker.start()
    assert worker.said.get(timeout=PATIENCE_S)[0] == "failed"
    done = rounds.operation(train.operation.operation_id)
    assert (done.state, done.attempt) == (OperationState.FAILED, 6)
    assert "given up" in done.error_message and rounds.trainer.jobs == []


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (DiskFull("the disk is full"), "DISK_FULL", "the disk is full"),
        (ValueError("secret"), "TRAINING_FAILED", "the server's log tells more"),
    ],
)
def test_an_operation_that_raises_has_failed_and_the_next_one_runs(
    worker: Worker, error: Exception, reason: str, message: str
) -> None:
    rounds = worker.rounds

    def fail(*_: object) -> None:
        rounds.trainer.before = lambda *_: None
        raise error

    rounds.trainer.before = fail
    train = rounds.train()
    worker.start()
    worker.hear("failed")
    done = rounds.operation(train.operation.operation_id)
    assert (done.state, done.error_reason) == (OperationState.FAILED, reason)
    assert message in done.error_message and "secret" not in done.error_message
    assert rounds.model(train.model.model_id).error == done.error_message
    again = rounds.train()
    worker.wake.set()
    worker.hear("ran")
    assert rounds.model(again.model.model_id).state is ModelState.READY


@pytest.mark.parametrize("error", [DiskFull("full"), ValueError("broken")])
def test_chores_that_fail_stop_nothing(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(module, "CHORES_S", 0.0)
    monkeypatch.setattr(module, "IDLE_S", 0.01)

    def fail() -> None:
        raise error

    worker.start(chores=fail)
    worker.hear("idle")
    worker.hear("idle")
    worker.rounds.train()
    worker.hear("ran")


@pytest.mark.parametrize("error", [DiskFull("full"), ValueError("broken")])
def test_a_heartbeat_that_fails_is_followed_by_others(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    beats = queue.Queue[int]()

    def fail(_self: WorkerLoop, _work: object) -> None:
        beats.put(1)
        raise error

    monkeypatch.setattr(WorkerLoop, "_beat", fail)
    worker.rounds.train()
    worker.start(until_cancelled)
    worker.hear("began")
    assert [beats.get(timeout=PATIENCE_S) for _ in range(3)] == [1, 1, 1]


def test_a_worker_that_never_started_can_be_stopped(worker: Worker) -> None:
    WorkerLoop(worker.rounds.catalog, {}, "nobody", threading.Event()).stop()


def test_the_real_learner_trains_in_its_own_process(rounds: Rounds) -> None:
    trainer = TrainingProcess()
    wiring = wire(rounds.catalog, rounds.store, trainer)
    real = Worker(replace(rounds, wiring=wiring))
    model_id = rounds.train().model.model_id
    real.start()
    try:
        real.hear("ran", "failed")
        model = rounds.model(model_id)
        assert model.state is ModelState.READY and model.label_count == 6
        assert {metric["basis"] for metric in model.metrics} == {"selected_cv"}
        batch = real.rounds.query(5).batch
        assert batch.model_id == model_id and batch.strategy == "margin"
    finally:
        real.stop()
        trainer.close()
