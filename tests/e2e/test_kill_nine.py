"""Kill the server at random moments, as a power cut would: nothing acknowledged may be lost.

`SOAK_KILLS=500 pytest tests/e2e -k kill` (`make soak`) does it 500 times.
"""

import itertools
import os
import random
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import grpc
import pytest

from alservice.storage.catalog.sqlite import SqliteCatalog, machine_clock_ms
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.sweep import Sweep
from tests.e2e.checker import complaints
from tests.e2e.found import Found, read, read_operations
from tests.e2e.history import History
from tests.e2e.memory import Memory
from tests.e2e.traffic import Client
from tests.e2e.wire import PROJECT, Wire, create_project, vectors_of
from tests.running_server import RunningServer, running_server

KILLS: Final = int(os.environ.get("SOAK_KILLS", "10"))
KILLS_PER_FOLDER: Final = 10
SEEDS: Final = range(-(-KILLS // KILLS_PER_FOLDER))
CLIENTS: Final = 4
A_DAY_LATER_MS: Final = 25 * 3_600_000
PATIENCE_S: Final = 120


@dataclass
class Run:
    """One folder, its clients, and everything they were told."""

    folder: Path
    seed: int
    history: History = field(default_factory=History)
    memory: Memory = field(default_factory=Memory)
    clients: list[Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        numbers = itertools.count(1)
        self.clients = [
            Client(f"c{n}", self.history, random.Random(f"{self.seed}/{n}"), lambda: next(numbers))
            for n in range(CLIENTS)
        ]

    def live_until_killed(self, server: RunningServer) -> None:
        """Let the clients work; kill the server while they do."""
        end = len(self.history.entries) + self.rng.randint(5, 60)
        due, over = threading.Event(), threading.Event()
        threads = self._start(
            server.channel, over, lambda count: due.set() if count > end else None
        )
        while not due.wait(0.02) and any(thread.is_alive() for thread in threads):
            pass
        due.wait(self.rng.random() * 0.03)  # lets a kill fall anywhere inside a call
        server.kill()
        over.set()
        _join(threads)

    def settle(self, server: RunningServer) -> None:
        """Get an answer to every request that has none yet."""
        over = threading.Event()
        over.set()
        _join(self._start(server.channel, over, lambda _: None))

    def _start(
        self, channel: grpc.Channel, over: threading.Event, counted: object
    ) -> list[threading.Thread]:
        wire = Wire(channel, PROJECT)
        threads = [
            threading.Thread(target=client.work, args=(wire, over, counted))
            for client in self.clients
        ]
        for thread in threads:
            thread.start()
        return threads

    def check(self, server: RunningServer, *, vectors: bool = False) -> Found:
        """Compare the history with what the server says."""
        found = read(server.channel, PROJECT, vectors=vectors)
        wrong = complaints(self.history, found, self.memory)
        log = server.folder.parent / f"{server.folder.name}.log"
        assert not wrong, f"seed {self.seed}, {log}:\n" + "\n".join(wrong)
        return found


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "a client got no answer"


@pytest.mark.parametrize("seed", SEEDS)
def test_no_kill_loses_or_doubles_what_was_acknowledged(tmp_path: Path, seed: int) -> None:
    run = Run(tmp_path / "data", seed)
    with running_server(run.folder) as server:
        create_project(server.channel)
        run.live_until_killed(server)
    for kill in range(1, min(KILLS, KILLS_PER_FOLDER)):
        with running_server(run.folder) as server:
            run.check(server)
            if kill % 4 == 3:  # else no training would ever end, and all kills hit the first
                wait_for_operations(server)
            run.live_until_killed(server)
    with running_server(run.folder) as server:
        run.check(server)
        run.settle(server)
        wait_for_operations(server)
        found = run.check(server, vectors=True)
        assert server.terminate() == 0
    assert not run.history.pending
    ids = tuple(item.item_id for item in found.items)
    assert [item.vector for item in found.items] == [v.tobytes() for v in vectors_of(ids)]
    assert_nothing_lies_about(run.folder)


def wait_for_operations(server: RunningServer) -> None:
    """Until all have ended; the worker must need no help."""
    ticks = threading.Event()
    for _ in range(PATIENCE_S * 10):
        if all(operation.outcome for operation in read_operations(server.channel, PROJECT)):
            return
        ticks.wait(0.1)
    raise AssertionError("a training never ended")


def assert_nothing_lies_about(folder: Path) -> None:
    """A day later the sweeper has left the files of the live segments, and no others."""
    catalog = SqliteCatalog(folder, clock_ms=lambda: machine_clock_ms() + A_DAY_LATER_MS)
    try:
        Sweep(catalog, LocalSegmentStore(folder / "segments"))()
    finally:
        catalog.close()
    with sqlite3.connect(folder / "catalog.sqlite3") as connection:
        rows = connection.execute("SELECT segment_id, state FROM segments WHERE NOT inline")
        known = dict(rows.fetchall())
        merges = connection.execute("SELECT count(*) FROM operations WHERE kind = 'merge'")
        assert merges.fetchone() > (0,), "no merge ever ran: the traffic is too thin"
    connection.close()
    files = {
        path.name.split(".")[0] for path in (folder / "segments").rglob("*") if path.is_file()
    }
    assert files == set(known)
    assert set(known.values()) <= {"live"}
