"""What a replica that has died, or sleeps, was at work on goes on at another, and ends once."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from alservice.workers.heartbeat import IDLE_S, LEASE_MS
from tests.chaos.two_replicas import (
    ends_once,
    is_at,
    labelled,
    now_ms,
    replica,
    simulated,
    submit,
)
from tests.deploy.servers import until
from tests.postgres.server import PostgresServer, new_server
from tests.running_server import RunningServer

LATE_MS: Final = 2000  # that a look for work may be late where the machine has no time for it
_KEEP: Final = """
    CREATE TABLE claims (over_ms bigint, at_ms bigint);
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO claims VALUES
            (OLD.lease_until_ms, floor(extract(epoch FROM clock_timestamp()) * 1000));
        RETURN NEW;
    END $$;
    CREATE TRIGGER keep AFTER UPDATE ON operations FOR EACH ROW
        WHEN (NEW.kind = 'simulate' AND NEW.attempt > OLD.attempt) EXECUTE FUNCTION keep();
"""
_CLAIMS: Final = "SELECT over_ms, at_ms FROM claims"


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    with new_server() as made:
        yield made


def keep_claims(database: PostgresServer) -> None:
    """From now on the database writes down each claim, by its own clock."""
    database.ask(_KEEP)


def taken_over(database: PostgresServer) -> tuple[int, int]:
    """When the first attempt's lease was over, and when the second attempt began (ms)."""
    pause = threading.Event()  # each look is a process of the database: too many delay the claim
    until(lambda: database.ask(_CLAIMS) or pause.wait(0.1))
    ((over_ms, at_ms),) = database.ask(_CLAIMS)
    return over_ms, at_ms


def test_the_work_of_a_killed_replica_is_claimed_when_its_lease_is_over(
    database: PostgresServer, tmp_path: Path
) -> None:
    with replica(database, tmp_path, "first") as first:
        project = simulated(first)
        until(lambda: is_at(first, database))
        with replica(database, tmp_path, "second") as second:
            assert is_at(first, database)  # a living one keeps its work
            keep_claims(database)
            first.kill()
            killed_ms = now_ms(database)
            over_ms, claimed_ms = taken_over(database)
            assert over_ms <= killed_ms + LEASE_MS
            assert over_ms <= claimed_ms <= over_ms + 1000 * IDLE_S + LATE_MS
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
        keep_claims(database)
        os.killpg(sleeper.process.pid, signal.SIGSTOP)
        assert submit(second, project) == ["RECORDED"]
        with replica(database, tmp_path, "worker", "--role", "worker") as worker:
            taken_over(database)
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
