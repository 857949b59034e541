"""Whoever loses the place to another copy of the catalog does not go on as if nothing were."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alservice.domain.errors import HousekeepingFailed
from alservice.ports.catalog import Catalog
from alservice.storage.files import LocalPlace
from alservice.usecases.adopt_place import adopt_place
from alservice.usecases.claim_place import claim_place
from alservice.usecases.hold_place import HoldPlace
from alservice.usecases.watch_place import WatchPlace
from tests.usecases.copies import Copies


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Copies]:
    made = Copies(tmp_path / "catalogs")
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path) -> LocalPlace:
    return LocalPlace(tmp_path / "place")


@dataclass
class Watched:
    """A process that watches its place."""

    catalog: Catalog
    place: LocalPlace
    left: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._watch = WatchPlace(self.catalog, self.place, lambda: self.left.append("left"))

    def look(self) -> bool:
        """Whether the place is ours as far as it can see."""
        try:
            self._watch()
        except HousekeepingFailed:
            return False
        return True


def test_who_holds_the_place_and_those_beside_it_stay(copies: Copies, place: LocalPlace) -> None:
    catalog = copies.open("a")
    claim_place(catalog, place)
    beside, hold = Watched(catalog, place), HoldPlace(catalog, place)
    for _ in range(4):
        assert beside.look()
        hold()
    assert beside.look() and beside.left == []


def test_who_has_lost_the_place_leaves_once_the_other_copy_is_at_work(
    copies: Copies, place: LocalPlace
) -> None:
    claim_place(copies.open("a"), place)
    restore = copies.copy("a", "restored")
    theirs = Watched(copies.open("a"), place)
    adopt_place(restore(), place)
    ours, at_work = Watched(restore(), place), HoldPlace(restore(), place)
    for _ in range(3):  # adopted, but nobody works there yet
        assert not theirs.look() and theirs.left == []
    with pytest.raises(HousekeepingFailed, match="held by another copy of this catalog"):
        WatchPlace(theirs.catalog, place, theirs.left.clear)()
    for _ in range(2):  # the first time it only looks
        at_work()
    assert not theirs.look() and theirs.left == ["left"]
    assert ours.look() and ours.left == []


def test_a_turn_that_the_catalog_has_forgotten_ends_nothing(
    copies: Copies, place: LocalPlace
) -> None:
    """As after a failover to a standby that lacked the last commits: there is no other copy."""
    claim_place(copies.open("a"), place)
    behind = copies.copy("a", "standby")
    hold = HoldPlace(copies.open("a"), place)
    for _ in range(2):
        hold()
    watched, promoted = Watched(behind(), place), HoldPlace(behind(), place)
    for _ in range(4):
        assert not watched.look() and watched.left == []
        with pytest.raises(HousekeepingFailed):
            promoted()


def test_a_doubt_that_was_wrong_is_forgotten(copies: Copies, place: LocalPlace) -> None:
    catalog = copies.open("a")
    claim_place(catalog, place)
    watched = Watched(catalog, place)
    for number in range(3):
        place.set_holder(f"before-{number}")  # as between the two steps of an adoption
        assert not watched.look()
        adopt_place(catalog, place)
        assert watched.look()
    assert watched.left == []


def test_a_place_that_cannot_be_read_is_not_lost(copies: Copies, place: LocalPlace) -> None:
    catalog, left = copies.open("a"), list[str]()
    claim_place(catalog, place)
    (Path(place.address) / "holder").mkdir()
    watch = WatchPlace(catalog, place, lambda: left.append("left"))
    for _ in range(3):
        with pytest.raises(HousekeepingFailed, match="cannot be read"):
            watch()
    assert left == []
