"""A worker says that it lives, and hears what others want of it."""

import queue

import pytest
from structlog.testing import capture_logs

from alservice.core import CancelFlag
from alservice.domain.errors import DiskFull
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationState
from alservice.workers import heartbeat as module
from alservice.workers.heartbeat import Heartbeat, Work
from tests.rounds import Rounds
from tests.workers.worker import PATIENCE_S, Worker, until_cancelled


def test_what_a_dead_worker_held_is_free_within_two_heartbeats() -> None:
    longest_s = module.LEASE_MS / 1000 + module.IDLE_S  # it dies right after a beat
    assert longest_s <= 2 * module.HEARTBEAT_S


def test_a_worker_may_stand_still_for_most_of_its_lease() -> None:
    assert module.LEASE_MS - 1000 * module.WATCH_S >= 8000


def test_each_look_extends_the_lease_even_if_there_is_no_news(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = Heartbeat._beat

    def told(self: Heartbeat) -> None:
        beat(self)
        worker.said.put(("beat", None))

    monkeypatch.setattr(Heartbeat, "_beat", told)
    operation_id = worker.rounds.train().operation.operation_id
    worker.start(until_cancelled)
    held = worker.hear("began").lease_until_ms
    for _ in range(3):
        worker.hear("beat")
        longer = worker.rounds.operation(operation_id).lease_until_ms
        assert longer > held
        held = longer


def test_progress_is_shown_with_the_heartbeat(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = Heartbeat._beat

    def told(self: Heartbeat) -> None:
        share = self._work.progress
        beat(self)
        worker.said.put((f"beat {share}", None))

    def half(operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        progress(0.5, "half way")
        until_cancelled(operation, progress, cancel)

    monkeypatch.setattr(Heartbeat, "_beat", told)
    train = worker.rounds.train()
    worker.start(half)
    worker.hear("beat 0.5")
    shown = worker.rounds.operation(train.operation.operation_id)
    assert (shown.progress, shown.stage) == (0.5, "half way")
    assert shown.lease_until_ms > 0


def test_a_worker_whose_operation_was_taken_over_stops_at_its_next_beat(worker: Worker) -> None:
    catalog = worker.rounds.catalog
    worker.rounds.train()

    def until_taken(operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        later_ms = operation.lease_until_ms + 1
        taken = catalog.transact(lambda tx: tx.operations.claim("other", later_ms, 10**9))
        assert taken is not None and taken.attempt == operation.attempt + 1
        try:
            until_cancelled(operation, progress, cancel)
        finally:
            worker.said.put(("stopped", operation))

    worker.start(until_taken)
    began = worker.hear("stopped")
    left = worker.rounds.operation(began.operation_id)
    assert (left.owner, left.attempt) == ("other", 2)


def beat_once(rounds: Rounds, work: Work) -> list[str]:
    """What the log says of one beat."""
    with capture_logs() as told:
        Heartbeat(rounds.catalog, work)._beat()
    return [line["event"] for line in told]


@pytest.mark.parametrize("asked", [False, True])
def test_a_beat_just_after_its_own_worker_has_ended_the_operation_says_nothing(
    rounds: Rounds, *, asked: bool
) -> None:
    name = rounds.train().operation.operation_id
    work = Work(rounds.claim())
    if asked:
        rounds.catalog.transact(lambda tx: tx.operations.request_cancel(rounds.project_id, name))
    rounds.run(work.operation)
    assert beat_once(rounds, work) == []
    assert not (work.lost or work.asked_to_stop or work.cancel.cancelled)
    assert rounds.operation(name).state is OperationState.SUCCEEDED


@pytest.mark.parametrize("ended", [False, True])
def test_what_another_worker_took_is_lost_also_when_that_one_has_ended_it(
    rounds: Rounds, *, ended: bool
) -> None:
    rounds.train()
    work = Work(rounds.claim())
    later_ms = work.operation.lease_until_ms + 1
    taken = rounds.catalog.transact(lambda tx: tx.operations.claim("other", later_ms, 10**9))
    assert taken is not None
    if ended:
        rounds.run(taken)
    assert beat_once(rounds, work) == ["operation.lost"]
    assert work.lost and work.cancel.cancelled
    assert beat_once(rounds, work) == []


def test_what_was_deleted_with_its_project_is_lost(rounds: Rounds) -> None:
    rounds.train()
    work = Work(rounds.claim())
    rounds.catalog.transact(lambda tx: tx.projects.delete(rounds.project_id))
    assert beat_once(rounds, work) == ["operation.lost"]
    assert work.lost and work.cancel.cancelled


@pytest.mark.parametrize("error", [DiskFull("full"), ValueError("broken")])
def test_a_heartbeat_that_fails_is_followed_by_others(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    beats = queue.Queue[int]()

    def fail(_self: Heartbeat) -> None:
        beats.put(1)
        raise error

    monkeypatch.setattr(Heartbeat, "_beat", fail)
    worker.rounds.train()
    worker.start(until_cancelled)
    worker.hear("began")
    assert [beats.get(timeout=PATIENCE_S) for _ in range(3)] == [1, 1, 1]
