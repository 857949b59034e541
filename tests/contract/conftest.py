"""The catalogs that every contract test runs on: one more maker here must keep every promise."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alservice.ports.catalog import Catalog
from alservice.storage.catalog.sqlite import SqliteCatalog
from tests.contract.catalog_rows import a_project

Open = Callable[[], Catalog]


def open_sqlite(folder: Path) -> Catalog:
    return SqliteCatalog(folder)


MAKERS = [pytest.param(open_sqlite, id="sqlite")]


@pytest.fixture(params=MAKERS)
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same stored state again and again, closing what was open before."""
    opened: list[Catalog] = []

    def again() -> Catalog:
        for catalog in opened:
            catalog.close()
        opened[:] = [request.param(tmp_path / "data")]
        return opened[0]

    yield again
    for catalog in opened:
        catalog.close()


@pytest.fixture
def empty(reopen: Open) -> Catalog:
    """A catalog in which nothing happened yet."""
    return reopen()


@pytest.fixture
def catalog(empty: Catalog) -> Catalog:
    """A catalog with one project."""
    empty.transact(lambda tx: tx.projects.insert(a_project()))
    return empty
