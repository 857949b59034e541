"""A standby shows the past and takes no writes: nobody asks it, whatever the address says."""

from functools import partial

import pytest

from alservice.domain.errors import CatalogUnavailable
from alservice.domain.startup import StartupError
from alservice.ports.catalog import Tx
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.catalog.postgres_connections import Connections, open_connection
from alservice.storage.catalog.postgres_dsn import connection_parameters
from tests.contract.catalog_rows import P, a_project, an_answer
from tests.postgres.server import PostgresServer, new_server


@pytest.fixture
def standby(own_server: PostgresServer) -> PostgresServer:
    """One that has all tables, and a project."""
    catalog = PostgresCatalog(own_server.dsn("postgres"))
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    catalog.close()
    become_standby(own_server)
    return own_server


def become_standby(server: PostgresServer) -> None:
    server.stop()
    (server.folder / "data" / "standby.signal").touch()
    server.start()
    assert server.ask("SELECT pg_is_in_recovery()") == [(True,)]


def items(tx: Tx) -> list[str]:
    return [line.item_id for line in tx.labels.page(P, 0, 10**6, settled_only=False)]


def test_of_a_standby_and_a_primary_the_primary_is_asked(standby: PostgresServer) -> None:
    with new_server() as primary:
        both = f"postgresql://tester@/postgres?host={standby.folder},{primary.folder}"
        catalog = PostgresCatalog(both)
        catalog.transact(lambda tx: tx.projects.insert(a_project("only-there")))
        assert catalog.read(lambda tx: tx.projects.get(P)) is None
        catalog.close()


def test_a_standby_alone_is_refused_at_the_start(standby: PostgresServer) -> None:
    with pytest.raises(StartupError, match="must lead to the primary"):
        PostgresCatalog(standby.dsn("postgres"), away_s=0.1)


def test_a_primary_that_has_become_a_standby_is_not_asked_until_it_is_promoted(
    own_server: PostgresServer,
) -> None:
    catalog = PostgresCatalog(own_server.dsn("postgres"), away_s=0.1)
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    become_standby(own_server)
    # As a balancer between us and the server does, which keeps the line and changes its end.
    blind = {**connection_parameters(own_server.dsn("postgres")), "target_session_attrs": "any"}
    for connect in (catalog._connections._connect, partial(open_connection, blind)):
        catalog._connections.close()
        catalog._connections = Connections(connect)
        for call in (catalog.transact, catalog.read):
            with pytest.raises(CatalogUnavailable):
                call(items)
        assert not catalog._connections._idle
    own_server.ask("SELECT pg_promote()")
    catalog.transact(lambda tx: tx.labels.append(P, [an_answer("i")]))
    assert catalog.read(items) == ["i"]
    catalog.close()
