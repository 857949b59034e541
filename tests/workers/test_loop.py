"""Operations are carried to an end, whatever becomes of the process that began them."""

import queue
import threading
from dataclasses import replace

import pytest

from alservice.core import CancelFlag
from alservice.domain.errors import Cancelled, PoolEmpty
from alservice.domain.learner import Progress
from alservice.domain.model import ModelState
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.workers import loop as module
from alservice.workers.loop import WorkerLoop
from alservice.workers.training_process import TrainingProcess
from tests.rounds import Rounds, wire
from tests.workers.worker import PATIENCE_S, Worker, until_cancelled


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
    worker.hear("chores")
    worker.rounds.train()
    worker.wake.set()
    worker.hear("ran")


def test_chores_are_done_between_operations_that_never_cease(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHORES_S", 0.0)
    catalog = worker.rounds.catalog

    def queue_one(name: str) -> None:
        one = Operation(operation_id=name, project_id="rounds", kind=OperationKind.TRAIN)
        catalog.transact(lambda tx: tx.operations.insert(one))

    def end_and_queue(operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        done = replace(operation, state=OperationState.SUCCEEDED)
        catalog.transact(lambda tx: tx.operations.finish(done, operation.attempt))
        queue_one(f"{operation.operation_id}x")

    queue_one("x")
    worker.start(end_and_queue)
    heard = [worker.said.get(timeout=PATIENCE_S)[0] for _ in range(7)]
    assert heard == ["began", "ran", "chores", "began", "ran", "chores", "began"]


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


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (PoolEmpty("the pool is empty"), "POOL_EMPTY", "the pool is empty"),
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


def test_a_chore_that_fails_does_not_keep_the_others_from_being_done(rounds: Rounds) -> None:
    done: queue.Queue[str] = queue.Queue()

    def fail() -> None:
        raise OSError("no such folder")

    chores = (fail, lambda: done.put("second"))
    loop = WorkerLoop(rounds.catalog, {}, "me", threading.Event(), chores)
    loop.start()
    try:
        assert done.get(timeout=PATIENCE_S) == "second"
    finally:
        loop.stop()
