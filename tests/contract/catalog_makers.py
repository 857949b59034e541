"""The catalogs that every contract test runs on: one more maker here must keep every promise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alservice.ports.catalog import Catalog
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.catalog.sqlite import SqliteCatalog
from tests.postgres.server import shared_server

Open = Callable[[], Catalog]


@contextmanager
def sqlite(folder: Path) -> Iterator[Open]:
    yield lambda: SqliteCatalog(folder)


@contextmanager
def postgres(_: Path) -> Iterator[Open]:
    server = shared_server()
    with server.database() as name:
        yield lambda: PostgresCatalog(server.dsn(name))


MAKERS = {"sqlite": sqlite, "postgres": postgres}
