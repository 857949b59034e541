"""Databases on the shared server."""

from collections.abc import Iterator

import pytest

from tests.postgres.server import PostgresServer, new_server, shared_server


@pytest.fixture
def server() -> PostgresServer:
    """The server of this process: for whoever does not harm it."""
    return shared_server()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that may be killed."""
    with new_server() as made:
        yield made


@pytest.fixture
def dsn(server: PostgresServer) -> Iterator[str]:
    """A database with all tables and no rows."""
    with server.database() as name:
        yield server.dsn(name)


@pytest.fixture
def empty(server: PostgresServer) -> Iterator[str]:
    """The name of a database without any table."""
    with server.database("template0") as name:
        yield name
