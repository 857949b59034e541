"""A replica that must fetch segments holds no project's lock meanwhile, in front of a real S3."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
import pytest

from alservice.domain.label import Answer, Outcome
from alservice.ports.catalog import Tx
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.open_place import open_place
from alservice.storage.segments import FileSegmentStore
from alservice.usecases.find_lives import FindLives
from alservice.usecases.snapshot import Snapshots
from alservice.usecases.submit_labels import SubmitLabels, SubmitLabelsCommand
from tests.contract.catalog_rows import P, a_project
from tests.postgres.server import PostgresServer, shared_server
from tests.s3.places import QUICK
from tests.s3.proxy import S3Proxy, s3_proxy
from tests.s3.server import S3Server
from tests.usecases.items import QUEUE_TRAINING, Pool, block, call, small_files

T = TypeVar("T")
SEGMENTS: Final = 5
MIB: Final = 1 << 20


class InterruptedCatalog(PostgresCatalog):
    """Before the transaction of this number, counted from 0, something else happens."""

    meanwhile: Callable[[], object]
    number = -1

    def transact(self, work: Callable[[Tx], T]) -> T:
        self.number -= 1
        if self.number == -1:
            self.meanwhile()
        return super().transact(work)


class LockWatch:
    """Sees each request to the store, and whether the project's row was locked then."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._dsn = server.dsn(database)
        self.free: list[bool] = []

    def __call__(self, data: bytes) -> None:
        if not data.startswith(b"GET "):
            return
        ask = "SELECT 1 FROM projects FOR UPDATE NOWAIT"
        with psycopg.connect(self._dsn) as connection:
            try:
                self.free.append(connection.execute(ask).fetchone() is not None)
            except psycopg.errors.LockNotAvailable:
                self.free.append(False)


@pytest.fixture
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    with s3_proxy(s3.port) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
        yield made


@pytest.fixture
def database() -> Iterator[str]:
    with shared_server().database() as name:
        yield name


def submit(pool: Pool) -> object:
    find = FindLives(pool.store, Snapshots(pool.catalog, pool.store))
    use = SubmitLabels(pool.catalog, find, QUEUE_TRAINING)
    answer = Answer(item_id="known", annotator_id="ada", outcome=Outcome.VALUE, class_id="cat")
    return use(call(), SubmitLabelsCommand(P, [answer]))


USES: dict[str, tuple[int, Callable[[Pool], Any]]] = {
    "SubmitLabels": (0, submit),
    "DeleteItems": (0, lambda pool: pool.delete("known")),
    "UpdateItems": (0, lambda pool: pool.regroup("known", group="g")),
    "BatchAddItems": (1, lambda pool: pool.add(block(["mine"]))),
    "AddItems": (1, lambda pool: pool.upload(block(["mine"]))),
}


@pytest.mark.parametrize("name", USES)
def test_nothing_is_fetched_while_the_project_is_locked(
    s3: S3Server, proxy: S3Proxy, database: str, tmp_path: Path, name: str
) -> None:
    objects, server = s3.fresh(), shared_server()
    number, use = USES[name]
    catalog = InterruptedCatalog(server.dsn(database))
    places = [open_place(objects, tmp_path / each, 64 * MIB, QUICK) for each in ("warm", "cold")]
    warm, cold = (Pool(catalog, FileSegmentStore(place.segments), P) for place in places)
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    warm.add(block(["known"]))
    watch = LockWatch(server, database)

    def others_add() -> None:
        with small_files():
            for item in range(SEGMENTS):
                warm.add(block([f"i{item}"]))
        proxy.faults.watch = watch

    try:
        catalog.number, catalog.meanwhile = number, others_add
        use(cold)
        assert len(watch.free) >= SEGMENTS  # it did have to fetch them
        assert all(watch.free)
    finally:
        proxy.faults.watch = lambda _: None
        catalog.close()
        for place in places:
            place.close()
