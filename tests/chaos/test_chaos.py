"""Replicas are killed and the database restarts while clients work: nothing may be lost.

`make chaos` does what the short form does here, for longer and with more clients.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chaos.checker import complaints
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.crowd import crowd, history_in
from tests.chaos.figures import figures
from tests.chaos.havoc import Havoc, Plan
from tests.chaos.journal import encode
from tests.chaos.takeovers import Start, starts, takeovers
from tests.e2e.found import Found, read, read_operations
from tests.e2e.wire import PROJECT, create_project
from tests.s3.server import S3Server

CLIENTS: Final = int(os.environ.get("CHAOS_CLIENTS", "8"))
PLAN: Final = Plan(
    seconds=float(os.environ.get("CHAOS_SECONDS", "40")),
    kill_every_s=float(os.environ.get("CHAOS_KILL_EVERY_S", "13")),
    restarts=int(os.environ.get("CHAOS_RESTARTS", "1")),
    pauses=int(os.environ.get("CHAOS_PAUSES", "0")),
    storms=int(os.environ.get("CHAOS_STORMS", "1")),
    seed=int(os.environ.get("CHAOS_SEED", "1")),
)
# The default takes seconds of both cores for each Query of 30 clients' pool: that measures it, and
# not what becomes of calls when servers die. CHAOS_STRATEGY=auto does.
STRATEGY: Final = os.environ.get("CHAOS_STRATEGY", "margin")
REPORT: Final = os.environ.get("CHAOS_REPORT", "")
PATIENCE_S: Final = 180


def test_nothing_is_lost_while_replicas_and_the_database_come_and_go(
    s3: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with cluster(tmp_path, s3, proxied=PLAN.storms > 0) as running:
        create_project(running.replicas[0].server.channel, STRATEGY)
        with crowd(running.balancer.address, tmp_path / "history", CLIENTS, PLAN.seed):
            havoc = Havoc(PLAN, running)
            havoc.wreak()
        wait_for_operations(running)
        founds = [read(each.server.channel, PROJECT) for each in running.replicas]
    calls = history_in(tmp_path / "history")
    (tmp_path / "found.json").write_text(json.dumps(encode(tuple(founds))))
    lain_s = takeovers(all_starts(running), havoc.kills)
    told = measured(figures(calls, founds[0]) | {"takeover_s": lain_s}, havoc, founds)
    with capsys.disabled():
        publish(told)
    assert complaints(calls, founds) == [], f"history and found.json: {tmp_path}"
    assert told["labels"] and told["batches"] and told["operations"]


def all_starts(running: Cluster) -> list[Start]:
    """Each attempt at an operation."""
    return [start for each in running.replicas for start in starts(each.name, each.log)]


def measured(told: dict[str, Any], havoc: Havoc, founds: list[Found]) -> dict[str, Any]:
    """With what the run was."""
    assert len(founds) > 1
    return {
        "clients": CLIENTS,
        "replicas": len(founds),
        "strategy": STRATEGY,
        "load_seconds": PLAN.seconds,
        "kills": len(havoc.kills),
        "database_restarts": PLAN.restarts,
        "pauses": PLAN.pauses,
        "s3_storms": PLAN.storms,
        **told,
    }


def publish(told: dict[str, Any]) -> None:
    """On the screen, and in the file, if CHAOS_REPORT names one."""
    if REPORT:
        text = json.dumps(told, indent=2) + "\n"
        Path(REPORT).write_text(text)
        sys.stdout.write(text)


def wait_for_operations(running: Cluster) -> None:
    """Until all have ended; the workers need no help."""
    pause = threading.Event()
    channel = running.replicas[0].server.channel
    for _ in range(PATIENCE_S * 5):
        if all(operation.outcome for operation in read_operations(channel, PROJECT)):
            return
        pause.wait(0.2)
    raise AssertionError("an operation never ended")
