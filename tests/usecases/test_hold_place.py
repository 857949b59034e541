"""Of the copies of one catalog, one removes files: on folders, and on prefixes of a bucket."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alservice.domain.errors import HousekeepingFailed
from alservice.domain.startup import StartupError
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.places import FilePlace
from alservice.storage.open_place import open_place
from alservice.usecases.adopt_place import adopt_place
from alservice.usecases.claim_place import claim_place
from alservice.usecases.hold_place import LATE_S, HoldPlace
from tests.s3.places import QUICK
from tests.usecases.copies import Copies


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Copies]:
    made = Copies(tmp_path / "catalogs")
    yield made
    made.close()


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FilePlace]:
    remote = request.param == "s3"
    where = request.getfixturevalue("s3").fresh() if remote else str(tmp_path / "place")
    opened = open_place(where, tmp_path / "cache", 1 << 20, QUICK)
    yield opened
    opened.close()


def turns(catalog: Catalog) -> tuple[str, ...]:
    return catalog.read(lambda tx: tx.cluster.get().turns)


def test_the_first_time_it_only_looks_then_it_takes_turns(
    copies: Copies, place: FilePlace
) -> None:
    catalog = copies.open("a")
    claim_place(catalog, place)
    hold = HoldPlace(catalog, place)
    hold()
    assert place.holder() is None and turns(catalog) == ()
    shown = []
    for _ in range(3):
        hold()
        shown.append(place.holder())
    assert len(set(shown)) == 3
    assert turns(catalog) == tuple(shown)
    claim_place(catalog, place)


def test_of_many_replicas_each_leaves_the_turn_to_whoever_was_faster(
    copies: Copies, place: FilePlace
) -> None:
    catalog = copies.open("a")
    replicas = [HoldPlace(catalog, place) for _ in range(4)]
    for _ in range(5):
        for hold in replicas:
            hold()
    assert len(turns(catalog)) == 4  # one for each round but the first
    assert place.holder() == turns(catalog)[-1]


def test_a_copy_from_before_a_turn_is_refused_at_start_and_removes_nothing(
    copies: Copies, place: FilePlace
) -> None:
    claim_place(copies.open("a"), place)
    restore = copies.copy("a", "old")
    hold = HoldPlace(copies.open("a"), place)
    for _ in range(2):
        hold()
    with pytest.raises(StartupError, match=r"held by another copy.*alservice adopt"):
        claim_place(restore(), place)
    for step in (HoldPlace(restore(), place), HoldPlace(restore(), place).require):
        with pytest.raises(HousekeepingFailed, match="held by another copy"):
            step()
    hold()
    claim_place(copies.open("a"), place)


def test_a_copy_that_is_as_new_loses_to_the_one_at_work(copies: Copies, place: FilePlace) -> None:
    """A clone of the disk: nothing tells it from the original when it starts."""
    at_work = HoldPlace(copies.open("a"), place)
    for _ in range(2):
        at_work()
    clone = copies.copy("a", "clone")()
    at_work = HoldPlace(copies.open("a"), place, at_work._seen)
    claim_place(clone, place)
    theirs = HoldPlace(clone, place)
    theirs()
    at_work()  # a minute has passed for both, and this one was here before
    with pytest.raises(HousekeepingFailed, match="held by another copy"):
        theirs()
    at_work()


def test_a_turn_that_was_not_shown_is_shown_the_next_time(
    copies: Copies, place: FilePlace
) -> None:
    catalog = copies.open("a")
    hold = HoldPlace(catalog, place)
    for _ in range(2):
        hold()
    before = place.holder() or ""
    for _ in range(3):
        hold()
    place.set_holder(before)  # as if none of those writes had come through, or a late one had
    hold.require()
    claim_place(catalog, place)
    newest = turns(catalog)[-1]
    for _ in range(2):
        hold()
    assert place.holder() == newest == turns(catalog)[-1]


def test_a_turn_that_comes_a_day_late_locks_nobody_out(copies: Copies, place: FilePlace) -> None:
    catalog = copies.open("a")
    hold = HoldPlace(catalog, place)
    for _ in range(2):
        hold()
    late = place.holder() or ""

    def pass_a_day(tx: Tx) -> None:
        cluster = tx.cluster.get()
        for minute in range(24 * 60):
            cluster = replace(cluster, turns=cluster.with_turn(f"{minute:016x}"))
        tx.cluster.store(cluster)

    catalog.transact(pass_a_day)
    place.set_holder(late)  # by a replica that was stopped on the way to here
    hold.require()
    claim_place(catalog, place)
    hold()
    assert place.holder() == f"{24 * 60 - 1:016x}"


def test_where_a_turn_has_come_too_late_the_only_copy_adopts_its_place(
    copies: Copies, place: FilePlace
) -> None:
    catalog = copies.open("a")
    claim_place(catalog, place)
    hold = HoldPlace(catalog, place)
    for _ in range(2):
        hold()
    place.set_holder("forgotten")
    with pytest.raises(HousekeepingFailed, match="alservice adopt"):
        hold()
    adopt_place(catalog, place)
    claim_place(catalog, place)
    for _ in range(2):
        hold()


def test_a_replica_that_stood_still_with_a_turn_does_not_show_it(
    copies: Copies, place: FilePlace
) -> None:
    catalog = copies.open("a")
    times = iter([0.0, LATE_S, 100.0, 100.1 + LATE_S, 300.0, 300.0])
    hold = HoldPlace(catalog, place, clock_s=lambda: next(times))
    for _ in range(2):
        hold()
    before = place.holder()
    with pytest.raises(HousekeepingFailed, match="stood still"):
        hold()
    assert place.holder() == before != turns(catalog)[-1]
    hold()
    assert place.holder() == turns(catalog)[-1]


def test_a_place_that_cannot_be_read_is_said_and_held_by_nobody(
    copies: Copies, tmp_path: Path
) -> None:
    place = open_place(str(tmp_path / "place"), tmp_path)
    (tmp_path / "place" / "holder").mkdir()
    with pytest.raises(HousekeepingFailed, match="cannot be read"):
        HoldPlace(copies.open("a"), place)()
