"""Calls per second of two replicas on one PostgreSQL, beside one of them alone on the same cores.

And what a call costs in processor time, of the replicas and of PostgreSQL: what docs/scaling.md
reckons with. PostgreSQL writes durably.
"""

import json
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from bench.beside import beside
from bench.cpu import cpu_seconds
from bench.pools import pool
from bench.rows import Row, compare, skipped
from bench.service import LABELS, Service, scratch
from bench.sizes import THREADS, sized
from tests.postgres import binaries
from tests.postgres.server import PostgresServer, new_server
from tests.running_server import running_server

ROWS = sized(100_000, 2_000)
CALLS = {"query": sized(300, 12), "submit": sized(3_000, 30)}
CLIENTS = sized(8, 2)
ROUNDS = sized(5, 1)
PEER = "one replica"


@dataclass(slots=True)
class Replicas:
    """Two that serve one project, and the database below them."""

    services: Sequence[Service]
    database: PostgresServer
    project: str
    labelled: int = LABELS

    def cpu(self) -> tuple[float, float]:
        """Seconds of processors that the replicas, and the database, have used so far."""
        database = int((self.database.folder / "data" / "postmaster.pid").read_text().split()[0])
        return cpu_seconds([s.pid for s in self.services]), cpu_seconds([database])

    def fresh(self, items: int) -> int:
        """The first of so many items that nobody has labelled here."""
        self.labelled += items
        return self.labelled - items


def run() -> Iterator[Row]:
    """All rows of this case."""
    try:
        binaries.find("postgres")
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:
        yield skipped("replicas", PEER, str(missing))
        return
    with _replicas() as replicas:
        for kind in CALLS:
            yield from _measured(replicas, kind)


@contextmanager
def _replicas() -> Iterator[Replicas]:
    with new_server(durable=True) as database, scratch() as folder, ExitStack() as stack:
        shared = ("--catalog", database.dsn("postgres"), "--objects", str(folder / "objects"))
        flags = (*shared, "--threads", str(THREADS))
        started = [
            stack.enter_context(running_server(folder / name, *flags)) for name in ("one", "two")
        ]
        services = [
            Service.of(server.process.pid, server.address, server.folder, server.channel)
            for server in started
        ]
        project = services[0].create_project("replicas")
        services[0].add_items(project, pool("clustered", ROWS))
        services[0].train(project)
        yield Replicas(services, database, project)


def _measured(replicas: Replicas, kind: str) -> Iterator[Row]:
    """Both in turn, each as often the first of the two; the first of all warms up."""
    pairs = []
    for turn in range(ROUNDS + 1):
        order = (1, 2) if turn % 2 else (2, 1)
        costs = {servers: _run(replicas, kind, servers) for servers in order}
        pairs.append((costs[1], costs[2]))
    del pairs[0]
    ratio = statistics.median(one.seconds / two.seconds for one, two in pairs)
    for what, bound in (("seconds", 1), ("service", 0), ("database", 0)):
        one, two = (
            statistics.median(getattr(pair[side], what) for pair in pairs) for side in (0, 1)
        )
        if what == "seconds":
            yield compare(f"{kind}-{CALLS[kind]}", two, PEER, one, ">=", bound, ratio=ratio)
        else:
            per_call = two / CALLS[kind], PEER, one / CALLS[kind]
            yield compare(f"{kind}-cpu-{what}", *per_call, ">=", bound)


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a run: by the clock, and of processors in replicas and database."""

    seconds: float
    service: float
    database: float


def _run(replicas: Replicas, kind: str, servers: int) -> Cost:
    asked = {
        "addresses": [service.address for service in replicas.services[:servers]],
        "project": replicas.project,
        "kind": kind,
        "first": replicas.fresh(CALLS[kind]),
        "calls": CALLS[kind],
        "clients": CLIENTS,
    }
    service, database = replicas.cpu()
    with beside("bench.load", json.dumps(asked)) as said:
        after = replicas.cpu()
        return Cost(float(said), after[0] - service, after[1] - database)
