"""Sweepers of several replicas, while others write: nothing that a row names is ever removed."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from alservice.domain.segment import Segment, SegmentState
from alservice.ports.catalog import Catalog
from alservice.ports.segments import SegmentStore
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments import FileSegmentStore
from tests.contract.catalog_rows import a_project, a_segment
from tests.s3.places import Place, fresh_place
from tests.storage.segment_blocks import write_plain
from tests.sweeping import sweeper

WRITERS, SWEEPERS, EACH = 3, 2, 12
FAR, PAST = 2**60, 0


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with fresh_place(request, tmp_path / "segments") as made:
        yield made


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = SqliteCatalog(tmp_path / "data")
    opened.transact(lambda tx: tx.projects.insert(a_project()))
    yield opened
    opened.close()


def write_one(catalog: Catalog, store: SegmentStore, segment_id: str, fate: int) -> Segment | None:
    """Reserve, write, commit: or give up in one of the ways in which replicas do."""
    expiry = PAST if fate == 1 else FAR  # one that is too slow for its reservation
    row = a_segment(segment_id, state=SegmentState.WRITING, expire_time_ms=expiry)
    catalog.transact(lambda tx: tx.segments.reserve(row))
    if fate == 1:
        return None
    sealed = write_plain(store, segment_id)
    if fate == 2:  # dead after its file was whole
        dead = replace(row, state=SegmentState.DEAD, expire_time_ms=None)
        catalog.transact(lambda tx: tx.segments.store(dead, None))
        return None
    if fate == 3:  # reserved for longer than this test lasts
        return replace(sealed, state=SegmentState.WRITING, expire_time_ms=FAR)
    live = replace(sealed, project_id=row.project_id, revision=1, expire_time_ms=None)
    catalog.transact(lambda tx: tx.segments.store(live, None))
    return live


def test_two_sweepers_remove_what_is_dead_and_nothing_that_a_row_names(
    place: Place, catalog: Catalog, tmp_path: Path
) -> None:
    orphans = [write_plain(FileSegmentStore(place.files()), f"orphan-{n}") for n in range(3)]
    over, begun = threading.Event(), threading.Barrier(WRITERS + SWEEPERS)

    def sweep(_: int) -> int:
        sweep_once = sweeper(catalog, FileSegmentStore(place.files()), tmp_path)
        begun.wait()
        rounds = 0
        while not over.is_set() or not rounds:
            sweep_once()
            rounds += 1
        return rounds

    def write(writer: int) -> list[Segment]:
        store = FileSegmentStore(place.files())
        begun.wait()
        made = [write_one(catalog, store, f"s-{writer}-{n}", n % 4) for n in range(EACH)]
        return [row for row in made if row is not None]

    with ThreadPoolExecutor(WRITERS + SWEEPERS) as threads:
        sweepers = [threads.submit(sweep, n) for n in range(SWEEPERS)]
        writers = [threads.submit(write, n) for n in range(WRITERS)]
        named = [row for future in writers for row in future.result()]
        over.set()
        assert all(future.result() for future in sweepers)
    sweeper(catalog, FileSegmentStore(place.files()), tmp_path)()
    reader = FileSegmentStore(place.files())
    assert len(named) == WRITERS * EACH // 2
    assert [reader.open(row).rows for row in named] == [20] * len(named)
    assert place.names() == sorted(row.segment_id for row in named)
    assert set(place.names()).isdisjoint(row.segment_id for row in orphans)
    assert sorted(catalog.read(lambda tx: tx.segments.all_ids())) == place.names()
