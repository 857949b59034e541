"""The database takes a commit, and its answer is lost: an upload goes on nevertheless."""

from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from alservice.domain.errors import OutcomeUnknown, UploadNotFound
from alservice.ports.catalog import Catalog
from alservice.storage.catalog import postgres
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.catalog.postgres_connections import Driver, command
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.get_upload import GetUpload, GetUploadCommand
from tests.contract.catalog_rows import P, a_project
from tests.usecases.items import Pool, block, call, small_files

IDS = [f"i{number}" for number in range(6)]


class Line:
    """The line to the database: loses the answer to one COMMIT, the `lost`th from now on."""

    def __init__(self) -> None:
        self.lost = 0
        self.broke = False

    def __call__(self, connection: Driver, text: LiteralString) -> str:
        said = command(connection, text)
        if text == "COMMIT":
            self.lost -= 1
            if self.lost == 0:
                self.broke = True
                raise psycopg.OperationalError("server closed the connection unexpectedly")
        return said


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line()
    monkeypatch.setattr(postgres, "command", made)
    return made


@pytest.fixture
def catalog(dsn: str) -> Iterator[Catalog]:
    made = PostgresCatalog(dsn)
    made.transact(lambda tx: tx.projects.insert(a_project()))
    yield made
    made.close()


def received(pool: Pool, upload_id: str) -> int:
    """Where to go on, as our client sees it."""
    try:
        return GetUpload(pool.catalog)(call(), GetUploadCommand(P, upload_id)).received
    except UploadNotFound:
        return 0


def send(pool: Pool, upload_id: str) -> int:
    """One stream, as a client sends it; how many items were added in all."""
    start = received(pool, upload_id)
    session = pool.open(upload_id)
    for number in range(start, len(IDS)):
        session.append(number, block([f"{upload_id}-{IDS[number]}"]))
    return session.commit().added


@pytest.mark.parametrize("inline_bytes", [0, 2**20], ids=["files", "inline"])
def test_whichever_answer_is_lost_an_upload_goes_on_where_it_stands(
    catalog: Catalog, line: Line, tmp_path: Path, inline_bytes: int
) -> None:
    pool = Pool(catalog, LocalSegmentStore(tmp_path), P)
    expected: set[str] = set()
    for number in range(1, 20):
        upload_id, line.lost, line.broke = f"u{number}", number, False
        with small_files(inline_bytes, 20):
            try:
                added = send(pool, upload_id)
            except OutcomeUnknown:
                added = send(pool, upload_id)
        assert added == len(IDS)
        expected |= {f"{upload_id}-{each}" for each in IDS}
        if not line.broke:
            break
    assert not line.broke and number > 4  # each of its commits had its turn
    assert set(pool.content()) == expected
