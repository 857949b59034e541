"""What is asked often is prepared, unless a pooler may change the session below a connection."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from alservice.ports.catalog import Tx
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.catalog.postgres_connections import OFTEN, Driver, open_connection
from alservice.storage.catalog.postgres_dsn import connection_parameters
from alservice.storage.catalog.projects import SqlProjects
from tests.postgres.bouncer import shared_bouncer
from tests.postgres.server import PostgresServer

DIRECT = PostgresServer.dsn


def pooled(_: PostgresServer, database: str) -> str:
    """By way of PgBouncer."""
    return shared_bouncer().dsn(database)


@pytest.mark.parametrize(("way", "prepared"), [(DIRECT, 1), (pooled, 0)])
def test_only_the_server_itself_is_asked_to_remember_a_statement(
    server: PostgresServer, way: Callable[[PostgresServer, str], str], prepared: int
) -> None:
    with (
        server.database() as name,
        open_connection(connection_parameters(way(server, name)), prepares=True) as at,
    ):
        for number in range(2 * OFTEN):
            assert at.execute("SELECT 1 + %s", (number,)).fetchone() == (1 + number,)
        found = at.execute("SELECT count(*) FROM pg_prepared_statements", prepare=False)
        assert found.fetchone() == (prepared,)


@pytest.fixture
def catalog(dsn: str) -> Iterator[PostgresCatalog]:
    """All on one connection."""
    with closing(PostgresCatalog(dsn, connections=1)) as made:
        yield made


def driver_of(tx: Tx) -> Driver:
    assert isinstance(tx.projects, SqlProjects)
    driver: Driver = tx.projects._session._driver
    return driver


def forget(tx: Tx) -> None:
    """The session is another one now, which the driver does not see."""
    driver_of(tx).execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$", prepare=False)


def asked(catalog: PostgresCatalog, way: str = "transact") -> set[str]:
    """The statements that the connection has prepared, after one more question."""
    found: set[str] = set()

    def work(tx: Tx) -> None:
        tx.projects.get("p")
        with driver_of(tx).cursor() as cursor:
            cursor.execute("SELECT statement FROM pg_prepared_statements", prepare=False)
            found.update(text for (text,) in cursor)

    getattr(catalog, way)(work)
    return found


def test_what_is_prepared_outlives_transactions_and_snapshots(catalog: PostgresCatalog) -> None:
    ways = ["transact"] * 2 * OFTEN + ["read"] * 3 + ["transact"]
    prepared = [len(asked(catalog, way)) for way in ways]
    assert prepared[2 * OFTEN - 1] >= 1
    assert prepared[2 * OFTEN :] == [prepared[2 * OFTEN - 1]] * 4


def test_a_statement_that_is_gone_is_not_prepared_again(catalog: PostgresCatalog) -> None:
    """As by way of a pooler that nobody could see."""
    while not asked(catalog):
        pass
    catalog.transact(forget)
    assert catalog.read(lambda tx: tx.projects.get("p")) is None
    assert [asked(catalog) for _ in range(2 * OFTEN)] == [set()] * 2 * OFTEN
