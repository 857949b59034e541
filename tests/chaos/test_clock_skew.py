"""One replica's clock is a day ahead, another's a day behind: only their logs show it."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import batch_pb2
from tests.chaos.two_replicas import ends_once, is_at, now_ms, replica, row, simulated, submit
from tests.deploy.servers import until
from tests.e2e.api import Api
from tests.postgres.server import PostgresServer, new_server
from tests.running_server import RunningServer

DAY_MS: Final = 24 * 3600 * 1000
LEASE_S: Final = 60
INSTALL: Final = Path(__file__).parents[2] / "tools" / "install_faketime.sh"


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    with new_server() as made:
        yield made


def at_a_wrong_time(offset: str) -> tuple[str, ...]:
    """What a command line begins with so that the clock, but not time, is `offset` off."""
    if not library() and os.environ.get("CI"):
        subprocess.run([INSTALL], check=True)
        assert library(), "libfaketime could not be installed"
    if not library():
        pytest.skip(f"libfaketime is not installed: tools/{INSTALL.name} does it")
    settings = {
        "LD_PRELOAD": library()[0],
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": 1,
        "DONT_FAKE_MONOTONIC": 1,  # as older ones call it
    }
    return ("env", *(f"{name}={value}" for name, value in settings.items()))


def library() -> list[Path]:
    """Where it is, if anywhere."""
    return sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


def test_replicas_with_wrong_clocks_agree_about_leases_labels_and_operations(
    database: PostgresServer, tmp_path: Path
) -> None:
    early, late_by_a_day = at_a_wrong_time("+1d"), at_a_wrong_time("-1d")
    with (
        replica(database, tmp_path, "ahead", prefix=early) as ahead,
        replica(database, tmp_path, "behind", "--role", "api", prefix=late_by_a_day) as api,
    ):
        project = simulated(ahead)
        until(lambda: is_at(ahead, database))
        first, second = (leased(database, each, project) for each in (ahead, api))
        assert len(first) == len(second) == 5 and not first & second
        began_ms = now_ms(database)
        assert submit(ahead, project) == ["RECORDED"]
        ask = al.ListLabelsRequest(project=project)
        made = Api(api.channel).active.ListLabels(ask).labels[-1].create_time
        assert began_ms <= made.ToMilliseconds() <= now_ms(database)
        with replica(database, tmp_path, "late", prefix=late_by_a_day) as late:
            keeps_its_work(database, ahead)
            ahead.kill()
            until(lambda: is_at(late, database))
            ends_once(database, api, late)
            assert Api(late.channel).show(project).stats.item_count == 80
        skews = [round(skew_ms(each, database) / DAY_MS) for each in (ahead, api)]
        assert skews == [1, -1]


def leased(database: PostgresServer, server: RunningServer, project: str) -> set[str]:
    """Items of a new batch, whose lease counts from the database's now."""
    earliest_ms = now_ms(database)
    ask = {"batch_size": 5, "lease_duration": {"seconds": LEASE_S}}
    batch: batch_pb2.Batch = Api(server.channel).query(project, **ask).batch
    began_ms = batch.expire_time.ToMilliseconds() - 1000 * LEASE_S
    assert earliest_ms <= began_ms <= now_ms(database)
    return {item.item_id for item in batch.items}


def keeps_its_work(database: PostgresServer, server: RunningServer) -> None:
    """While others look for work, and would take what had no lease by their clock."""
    _, _, _, until_ms = row(database)
    until(lambda: row(database)[3] > until_ms + 2000)
    assert is_at(server, database) and row(database)[0] == 1


def skew_ms(server: RunningServer, database: PostgresServer) -> int:
    """How far the clock is ahead, as its log shows it."""
    log = server.folder.with_name(f"{server.folder.name}.log").read_text().splitlines()
    times = [json.loads(line)["timestamp"] for line in log if '"timestamp"' in line]
    last_s = datetime.fromisoformat(times[-1]).timestamp()
    return round(1000 * last_s) - now_ms(database)
