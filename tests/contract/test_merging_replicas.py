"""One replica merges and sweeps while another one has read the old rows and opened nothing yet."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alservice.domain.segment import Segment
from alservice.ports.catalog import Catalog
from alservice.storage.segments import FileSegmentStore
from alservice.storage.segments.reader import Reader
from alservice.usecases.snapshot import Snapshots
from alservice.usecases.sweep_files import Swept
from tests.contract.catalog_makers import MAKERS
from tests.contract.catalog_rows import P, a_project
from tests.s3.places import Place, fresh_place
from tests.sweeping import sweeper
from tests.usecases.items import Pool, block, small_files


class InterruptedStore(FileSegmentStore):
    """Something else happens before it opens its first segment."""

    meanwhile: Callable[[], object] | None = None

    def open(self, segment: Segment, inline: bytes | None = None) -> Reader:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()
        return super().open(segment, inline)


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with fresh_place(request, tmp_path / "segments") as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with MAKERS[request.param](tmp_path / "data") as make:
        opened = make()
        opened.transact(lambda tx: tx.projects.insert(a_project()))
        yield opened
        opened.close()


def test_a_query_that_began_before_a_merge_reads_what_it_began_with(
    catalog: Catalog, place: Place, tmp_path: Path
) -> None:
    merging = Pool(catalog, FileSegmentStore(place.files()), P)
    with small_files():
        for item_id in "abc":
            merging.add(block([item_id]))
    before = catalog.read(lambda tx: [s.segment_id for s in tx.segments.live(P)])

    sweeps: list[Swept] = []

    def merge() -> None:
        assert merging.merge() == 3
        sweeps.append(sweeper(catalog, merging.store, tmp_path / "holder")())

    reading = InterruptedStore(place.files())
    reading.meanwhile = merge
    snapshots = Snapshots(catalog, reading)
    snapshot, _ = snapshots.take(P, "ada", lambda *_: None)
    assert sweeps == [Swept(0, 0)]  # it happened
    assert [opened.segment.segment_id for opened in snapshot.pool] == before
    now, _ = snapshots.take(P, "ada", lambda *_: None)
    assert sum(opened.reader.rows for opened in now.pool) == 3
    assert len(now.pool) == 1


def test_readers_of_what_is_gone_are_let_go(
    catalog: Catalog, place: Place, tmp_path: Path
) -> None:
    merging = Pool(catalog, FileSegmentStore(place.files()), P)
    with small_files():
        for item_id in "abc":
            merging.add(block([item_id]))
    other = FileSegmentStore(place.files())
    snapshots = Snapshots(catalog, other)
    old, _ = snapshots.take(P, "ada", lambda *_: None)
    names = [opened.segment.segment_id for opened in old.pool]
    catalog.transact(lambda tx: tx.projects.delete(P))
    assert sweeper(catalog, merging.store, tmp_path / "holder")().dead == 3
    snapshots.forget_gone()
    assert [other.opened(name) for name in names] == [None] * 3
    assert sum(opened.reader.rows for opened in old.pool) == 3  # who holds one keeps it
