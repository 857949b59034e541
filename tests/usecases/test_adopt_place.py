"""A restored catalog takes the files over, and the one that had them is refused."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from alservice.domain.errors import HousekeepingFailed
from alservice.domain.startup import StartupError
from alservice.ports.catalog import Catalog
from alservice.ports.places import FilePlace
from alservice.storage.files import LocalPlace
from alservice.storage.segments import FileSegmentStore
from alservice.usecases.adopt_place import adopt_place
from alservice.usecases.claim_place import claim_place
from alservice.usecases.hold_place import HoldPlace
from tests.contract.catalog_rows import a_project, a_segment
from tests.storage.segment_blocks import write_plain
from tests.usecases.copies import Copies


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Copies]:
    made = Copies(tmp_path / "catalogs")
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path) -> LocalPlace:
    return LocalPlace(tmp_path / "place")


def begin(catalog: Catalog, place: LocalPlace) -> HoldPlace:
    """A cluster at work with one file."""
    write_plain(FileSegmentStore(place.segments), "s-1")
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    catalog.transact(lambda tx: tx.segments.store(a_segment("s-1", rows=20, live_rows=20), None))
    claim_place(catalog, place)
    hold = HoldPlace(catalog, place)
    hold()
    return hold


def refused(catalog: Catalog, place: FilePlace) -> bool:
    """Both at a start and in a sweep."""
    for step in (lambda: claim_place(catalog, place), HoldPlace(catalog, place).require):
        with pytest.raises((StartupError, HousekeepingFailed), match="held by another copy"):
            step()
    return True


def test_after_an_adoption_the_other_copy_is_refused(copies: Copies, place: LocalPlace) -> None:
    begin(copies.open("a"), place)
    restore = copies.copy("a", "restored")
    hold = HoldPlace(copies.open("a"), place)
    for _ in range(2):
        hold()
    assert refused(restore(), place)
    for _ in range(2):  # twice is as good as once
        adopt_place(restore(), place)
    claim_place(restore(), place)
    HoldPlace(restore(), place)()
    assert refused(copies.open("a"), place)
    with pytest.raises(HousekeepingFailed):
        hold()


def test_whoever_adopted_a_copy_of_the_place_is_refused_at_the_first(
    copies: Copies, place: LocalPlace, tmp_path: Path
) -> None:
    begin(copies.open("a"), place)()
    restore = copies.copy("a", "restored")
    shutil.copytree(place.address, tmp_path / "moved")
    moved = LocalPlace(tmp_path / "moved")
    adopt_place(restore(), moved)
    claim_place(restore(), moved)
    assert refused(restore(), place)
    with pytest.raises(StartupError, match=f"it was last used with {moved.address};"):
        claim_place(restore(), place)
    claim_place(copies.open("a"), place)


def test_an_adoption_that_broke_off_is_done_again(copies: Copies, place: LocalPlace) -> None:
    begin(copies.open("a"), place)
    restore = copies.copy("a", "restored")
    hold = HoldPlace(copies.open("a"), place)
    for _ in range(2):
        hold()
    theirs = place.holder() or ""
    adopt_place(restore(), place)
    place.set_holder(theirs)  # as if it had been killed before its last step
    assert refused(restore(), place)
    claim_place(copies.open("a"), place)
    adopt_place(restore(), place)
    claim_place(restore(), place)


def test_files_that_were_copied_without_their_marks_are_adopted(
    copies: Copies, place: LocalPlace, tmp_path: Path
) -> None:
    begin(copies.open("a"), place)
    moved = LocalPlace(tmp_path / "moved")
    with pytest.raises(StartupError, match=r"1 are not in .*\(s-1\)"):
        adopt_place(copies.open("a"), moved)
    assert moved.mark() is None
    write_plain(FileSegmentStore(moved.segments), "s-1")
    adopt_place(copies.open("a"), moved)
    claim_place(copies.open("a"), moved)
    with pytest.raises(StartupError, match="but in the place that was used before"):
        claim_place(copies.open("a"), LocalPlace(tmp_path / "elsewhere"))


def test_the_place_of_another_cluster_cannot_be_adopted(copies: Copies, place: LocalPlace) -> None:
    begin(copies.open("a"), place)
    with pytest.raises(StartupError, match="belongs to cluster"):
        adopt_place(copies.open("b"), place)
    claim_place(copies.open("a"), place)
