"""What a replica that has died, or sleeps, was at work on goes on at another, and ends once."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from alservice.workers.heartbeat import HEARTBEAT_S, IDLE_S
from tests.chaos.two_replicas import (
    ends_once,
    is_at,
    labelled,
    now_ms,
    replica,
    row,
    simulated,
    submit,
)
from tests.deploy.servers import until
from tests.postgres.server import PostgresServer, new_server
from tests.running_server import RunningServer

LATE_MS: Final = 10_000  # that the second one may be late where the machine has no time for it


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    with new_server() as made:
        yield made


def seen_again(database: PostgresServer) -> tuple[int, int]:
    """When the first attempt's lease was over, and when the second attempt was first seen (ms)."""
    over_ms = 0
    while True:
        attempt, _, _, until_ms = row(database)
        if attempt > 1:
            return over_ms, now_ms(database)
        over_ms = until_ms


def test_the_work_of_a_killed_replica_is_taken_over_within_two_heartbeats(
    database: PostgresServer, tmp_path: Path
) -> None:
    with replica(database, tmp_path, "first") as first:
        project = simulated(first)
        until(lambda: is_at(first, database))
        with replica(database, tmp_path, "second") as second:
            assert is_at(first, database)  # a living one keeps its work
            first.kill()
            killed_ms = now_ms(database)
            over_ms, taken_ms = seen_again(database)
            # The lease and the look for work are two heartbeats, by the database's clock.
            idle_ms = 1000 * IDLE_S
            assert over_ms <= killed_ms + 2000 * HEARTBEAT_S - idle_ms
            assert over_ms <= taken_ms <= over_ms + idle_ms + LATE_MS
            assert is_at(second, database)
            assert submit(second, project) == ["RECORDED"]
            ends_once(database, second)


def test_a_replica_that_sleeps_longer_than_its_lease_wakes_up_and_does_no_harm(
    database: PostgresServer, tmp_path: Path
) -> None:
    with (
        replica(database, tmp_path, "sleeper") as sleeper,
        replica(database, tmp_path, "second", "--role", "api") as second,
    ):
        project = simulated(sleeper)
        until(lambda: is_at(sleeper, database))
        os.killpg(sleeper.process.pid, signal.SIGSTOP)
        assert submit(second, project) == ["RECORDED"]
        with replica(database, tmp_path, "worker", "--role", "worker") as worker:
            seen_again(database)
            assert is_at(worker, database)
            os.killpg(sleeper.process.pid, signal.SIGCONT)
            assert submit(sleeper, project) == ["RECORDED"]  # the answer of before
            until(lambda: has_heard(sleeper))
            assert is_at(worker, database)
            ends_once(database, second, sleeper)
        logs = [labelled(each, project) for each in (second, sleeper)]
        assert logs[0] == logs[1] and logs[0].count("i-70") == 1
        assert sleeper.terminate() == 0


def has_heard(server: RunningServer) -> bool:
    """Whether it has stopped working on what others have taken."""
    log = server.folder.with_name(f"{server.folder.name}.log").read_text()
    return '"operation.lost"' in log
