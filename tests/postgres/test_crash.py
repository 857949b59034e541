"""The database dies, restarts or hangs up: what was acknowledged stays, and calls go on."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import LiteralString

import psycopg
import pytest

from alservice.domain.errors import CatalogUnavailable, OutcomeUnknown
from alservice.ports.catalog import Tx
from alservice.storage.catalog import postgres
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.catalog.postgres_connections import Driver, command
from tests.contract.catalog_rows import P, a_project, an_answer
from tests.postgres.server import PostgresServer

PATIENCE_S = 120
THREADS = 6


@pytest.fixture
def catalog(own_server: PostgresServer) -> Iterator[PostgresCatalog]:
    made = PostgresCatalog(own_server.dsn("postgres"), away_s=PATIENCE_S)
    made.transact(lambda tx: tx.projects.insert(a_project()))
    yield made
    made.close()


def items(tx: Tx) -> list[str]:
    return [line.item_id for line in tx.labels.page(P, 0, 10**6, settled_only=False)]


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
def test_nothing_acknowledged_is_lost_when_the_server_dies_under_load(
    own_server: PostgresServer, catalog: PostgresCatalog, how: signal.Signals
) -> None:
    acknowledged: list[str] = []
    unknown: list[str] = []
    stop, busy = Event(), Event()

    def work(thread: int) -> None:
        number = 0
        while not stop.is_set():
            item, number = f"i-{thread}-{number}", number + 1
            try:
                catalog.transact(lambda tx, i=item: tx.labels.append(P, [an_answer(i)]))  # type: ignore[misc]
            except OutcomeUnknown:
                unknown.append(item)
            else:
                acknowledged.append(item)
            if len(acknowledged) % 50 == 49:
                busy.set()

    with ThreadPoolExecutor(THREADS) as pool:
        working = [pool.submit(work, thread) for thread in range(THREADS)]
        for _ in range(3):
            busy.clear()
            assert busy.wait(PATIENCE_S)
            own_server.stop(how)
            own_server.start()
        busy.clear()
        assert busy.wait(PATIENCE_S)  # calls succeed again
        stop.set()
        for each in working:
            each.result(PATIENCE_S)
    stored = catalog.read(items)
    assert len(stored) == len(set(stored))  # nothing was silently done twice
    assert set(acknowledged) <= set(stored) <= {*acknowledged, *unknown}


def test_a_database_that_is_away_is_told_within_bounds(own_server: PostgresServer) -> None:
    catalog = PostgresCatalog(own_server.dsn("postgres"), away_s=0.1)
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    own_server.stop()
    for call in (
        lambda: catalog.transact(items),
        lambda: catalog.read(items),
        catalog.now_ms,
    ):
        with pytest.raises(CatalogUnavailable, match="retry"):
            call()
    own_server.start()
    assert catalog.read(items) == catalog.transact(items) == []
    catalog.close()


def test_connections_that_were_thrown_out_are_not_noticed(
    own_server: PostgresServer, catalog: PostgresCatalog
) -> None:
    attempts: list[int] = []

    def work(tx: Tx) -> int:
        attempts.append(1)
        if len(attempts) == 1:  # in the middle: what it did is rolled back, and done again
            tx.labels.append(P, [an_answer("i")])
            hang_up(own_server)
        return next(iter(tx.labels.append(P, [an_answer("i")])))

    hang_up(own_server)
    assert catalog.read(items) == []
    assert catalog.transact(work) == 1
    assert len(attempts) == 2
    assert catalog.read(items) == ["i"]


def hang_up(server: PostgresServer) -> None:
    others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
    server.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608


def test_a_commit_without_an_answer_is_not_repeated(
    catalog: PostgresCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = command

    def lose_the_answer(connection: Driver, text: LiteralString) -> str:
        said = through(connection, text)
        if text == "COMMIT":
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return said

    monkeypatch.setattr(postgres, "command", lose_the_answer)
    with pytest.raises(OutcomeUnknown, match="request_id"):
        catalog.transact(lambda tx: tx.labels.append(P, [an_answer("once")]))
    monkeypatch.undo()
    assert catalog.read(items) == ["once"]
