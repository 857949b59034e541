"""What is asked often is prepared, unless a pooler may change the session below a connection."""

from collections.abc import Callable

import pytest

from alservice.storage.catalog.postgres_connections import OFTEN, open_connection
from alservice.storage.catalog.postgres_dsn import connection_parameters
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
        open_connection(connection_parameters(way(server, name))) as at,
    ):
        for number in range(2 * OFTEN):
            assert at.execute("SELECT 1 + %s", (number,)).fetchone() == (1 + number,)
        found = at.execute("SELECT count(*) FROM pg_prepared_statements", prepare=False)
        assert found.fetchone() == (prepared,)
