"""What holds for the sweeping of any files: who may, and what becomes of those that stay."""

import errno
from pathlib import Path

import pytest

from alservice.domain.errors import HousekeepingFailed
from alservice.domain.segment import SegmentState
from alservice.ports.catalog import Catalog
from alservice.storage.files import LocalPlace
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.hold_place import HoldPlace
from alservice.usecases.sweep import SEGMENTS
from alservice.usecases.sweep_files import SweepFiles, Swept
from tests.contract.catalog_rows import a_project, a_segment
from tests.storage.segment_blocks import write_plain

DEAD = [f"s-{number:03}" for number in range(120)]


@pytest.fixture
def place(store: LocalSegmentStore) -> LocalPlace:
    return LocalPlace(store._folder.parent)


def sweep(catalog: Catalog, store: LocalSegmentStore, place: LocalPlace) -> SweepFiles:
    return SweepFiles(catalog, HoldPlace(catalog, place), store, SEGMENTS)


def kill(catalog: Catalog, store: LocalSegmentStore) -> None:
    """Dead segments, and one file without a row."""
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    for name in DEAD:
        row = a_segment(name, state=SegmentState.DEAD)
        catalog.transact(lambda tx, row=row: tx.segments.store(row, None))  # type: ignore[misc]
        write_plain(store, name)
    write_plain(store, "stray")


def names(place: LocalPlace) -> set[str]:
    return place.segment_ids()


def undeletable(store: LocalSegmentStore, name: str) -> Path:
    """As a file that somebody else owns: a folder of its name."""
    path = store._folder / f"{name}.safetensors"
    path.unlink()
    path.mkdir()
    return path


def test_who_lost_the_place_removes_nothing(
    catalog: Catalog, store: LocalSegmentStore, place: LocalPlace
) -> None:
    kill(catalog, store)
    place.set_holder("another")
    with pytest.raises(HousekeepingFailed, match="held by another copy"):
        sweep(catalog, store, place)()
    assert names(place) == {*DEAD, "stray"}


def test_a_file_that_cannot_be_removed_keeps_no_other(
    catalog: Catalog, store: LocalSegmentStore, place: LocalPlace
) -> None:
    kill(catalog, store)
    stays = [undeletable(store, name) for name in ("s-007", "stray")]
    for _ in range(2):  # it is said each time
        with pytest.raises(HousekeepingFailed, match="2 files could not be removed") as caught:
            sweep(catalog, store, place)()
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno in (errno.EISDIR, errno.EPERM)
        assert names(place) == {"s-007", "stray"}
        assert catalog.read(lambda tx: tx.segments.all_ids()) == ["s-007"]
    for path in stays:
        path.rmdir()
    assert sweep(catalog, store, place)() == Swept(1, 0)
    assert catalog.read(lambda tx: tx.segments.all_ids()) == []


def test_where_nothing_can_be_removed_it_soon_stops_trying(
    catalog: Catalog, store: LocalSegmentStore, place: LocalPlace
) -> None:
    kill(catalog, store)
    for name in DEAD:
        undeletable(store, name)
    with pytest.raises(HousekeepingFailed) as caught:
        sweep(catalog, store, place)()
    assert caught.value.metadata["failures"] == "3"
    assert names(place) == {*DEAD, "stray"}
