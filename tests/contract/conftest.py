"""The catalogs on which the contract tests run: see catalog_makers.py."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from alservice.ports.catalog import Catalog
from tests.contract.catalog_makers import MAKERS, Open
from tests.contract.catalog_rows import a_project


@pytest.fixture(params=MAKERS)
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same stored state again and again, closing what was open before."""
    opened: list[Catalog] = []
    with ExitStack() as stack:
        make = stack.enter_context(MAKERS[request.param](tmp_path / "data"))

        def again() -> Catalog:
            for catalog in opened:
                catalog.close()
            opened[:] = [make()]
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
