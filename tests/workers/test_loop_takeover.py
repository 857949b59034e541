"""What one worker leaves, or loses, another one carries on; but not for ever."""

from dataclasses import replace

from alservice.core import CancelFlag
from alservice.domain.learner import Progress
from alservice.domain.model import ModelState
from alservice.domain.operation import Operation, OperationState
from alservice.ports.catalog import Tx
from alservice.workers import loop as module
from tests.rounds import Rounds
from tests.workers.worker import PATIENCE_S, Worker, until_cancelled


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


def test_restarts_however_many_fail_no_training(worker: Worker) -> None:
    train = worker.rounds.train()
    for restart in range(module.MOST_LAPSES + 2):
        worker.start(until_cancelled)
        assert worker.hear("began", "failed").attempt == restart + 1
        worker.loops[-1].stop()
    worker.start()
    worker.hear("ran", "failed")
    done = worker.rounds.operation(train.operation.operation_id)
    assert (done.state, done.lapses) == (OperationState.SUCCEEDED, 0)


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
    worker.hear("chores")
    assert rounds.operation(train.operation.operation_id) == stolen
    assert (stolen.owner, stolen.attempt) == ("thief", 2)
    assert rounds.model(train.model.model_id).state is ModelState.TRAINING


def die(rounds: Rounds, share: float) -> None:
    """Claim the operation, come so far with it, and be heard of no more."""

    def work(tx: Tx) -> Operation | None:
        dead = tx.operations.claim("dead", tx.now_ms(), -1)
        assert dead is not None
        return tx.operations.heartbeat(dead, tx.now_ms(), -1, share, "fit")

    assert rounds.catalog.transact(work) is not None


def test_what_kills_every_worker_at_one_point_is_given_up(worker: Worker) -> None:
    rounds = worker.rounds
    train = rounds.train()
    for _ in range(module.MOST_LAPSES):
        die(rounds, 0.5)
    worker.start()
    assert worker.said.get(timeout=PATIENCE_S)[0] == "failed"
    done = rounds.operation(train.operation.operation_id)
    assert (done.state, done.attempt) == (OperationState.FAILED, 6)
    assert "given up" in done.error_message and rounds.trainer.jobs == []


def test_what_gets_further_with_each_worker_is_not_given_up(worker: Worker) -> None:
    rounds = worker.rounds
    train = rounds.train()
    for attempt in range(2 * module.MOST_LAPSES):
        die(rounds, attempt / 16)
    worker.start()
    worker.hear("ran", "failed")
    done = rounds.operation(train.operation.operation_id)
    assert done.state is OperationState.SUCCEEDED
