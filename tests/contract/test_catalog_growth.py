"""The catalog grows with what people do, and with files; never with the number of items."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, func, inspect, select, table

from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.ports.catalog import Catalog
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments import LocalSegmentStore
from tests.contract.catalog_rows import P, a_project
from tests.postgres.server import shared_server
from tests.usecases.items import Pool

UPLOADS = 3
DIMENSION = 4


class Counted:
    """A catalog whose rows can be counted, table by table, past its back."""

    def __init__(self, catalog: Catalog, url: str) -> None:
        self.catalog = catalog
        self._engine = create_engine(url)

    def rows(self) -> dict[str, int]:
        with self._engine.connect() as connection:
            names = inspect(connection).get_table_names()
            counts = {
                name: connection.execute(select(func.count()).select_from(table(name))).scalar()
                for name in names
            }
        return {name: count or 0 for name, count in counts.items()}

    def close(self) -> None:
        self._engine.dispose()
        self.catalog.close()


@pytest.fixture(params=["sqlite", "postgres"])
def counted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counted]:
    if request.param == "sqlite":
        made = Counted(SqliteCatalog(tmp_path), f"sqlite:///{tmp_path / 'catalog.sqlite3'}")
        yield made
        made.close()
        return
    with shared_server().database() as name:
        dsn = shared_server().dsn(name)
        url = dsn.replace("postgresql://", "postgresql+psycopg://")
        made = Counted(PostgresCatalog(dsn), url)
        yield made
        made.close()


def grown(counted: Counted, pool: Pool, count: int) -> dict[str, int]:
    """How many rows an upload of so many items has added, by table where it is any."""
    before = counted.rows()
    rng = np.random.default_rng(count)
    names = tuple(f"u{sum(before.values())}-{n}" for n in range(count))
    vectors = rng.standard_normal((count, DIMENSION)).astype(np.float32)
    session = pool.open()
    for start in range(0, count, 10_000):
        part = slice(start, start + 10_000)
        session.append(start, ItemBlock(names[part], vectors[part], DType.F32))
    assert session.commit().added == count
    after = counted.rows()
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def test_rows_do_not_depend_on_the_number_of_items(counted: Counted, tmp_path: Path) -> None:
    pool = Pool(counted.catalog, LocalSegmentStore(tmp_path / "segments"), P)
    counted.catalog.transact(lambda tx: tx.projects.insert(a_project()))
    small = [grown(counted, pool, 1_000) for _ in range(UPLOADS)]
    large = [grown(counted, pool, 100_000) for _ in range(UPLOADS)]
    assert pool.project.item_count == UPLOADS * 101_000
    # One row of a segment each, and one of the upload; the small ones' bytes are rows too.
    assert small == [{"segments": 1, "segment_bytes": 1, "uploads": 1}] * UPLOADS
    assert large == [{"segments": 1, "uploads": 1}] * UPLOADS
