"""Who may use which place: on folders, and on prefixes of a real bucket."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alservice.domain.segment import SegmentState
from alservice.domain.startup import StartupError
from alservice.ports.catalog import Catalog
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.files import LocalPlace
from alservice.storage.objects.object_place import ObjectPlace
from alservice.storage.open_place import open_place
from alservice.storage.segments import FileSegmentStore
from alservice.usecases.claim_place import claim_place
from tests.contract.catalog_rows import a_project, a_segment
from tests.s3.places import QUICK
from tests.storage.segment_blocks import write_plain

AnyPlace = LocalPlace | ObjectPlace
OpenCatalog = Callable[[str], Catalog]
OpenPlace = Callable[[str], AnyPlace]


@pytest.fixture
def catalog_of(tmp_path: Path) -> Iterator[OpenCatalog]:
    """A catalog by the name of its folder, the same for the same name."""
    opened: dict[str, Catalog] = {}

    def make(name: str) -> Catalog:
        if name not in opened:
            opened[name] = SqliteCatalog(tmp_path / name)
        return opened[name]

    yield make
    for catalog in opened.values():
        catalog.close()


@pytest.fixture(params=["local", "s3"])
def place_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenPlace]:
    """A place by name, opened anew with each call as another process would."""
    opened: list[AnyPlace] = []
    remote = request.getfixturevalue("s3").fresh() if request.param == "s3" else ""

    def make(name: str) -> AnyPlace:
        where = f"{remote}/{name}" if remote else str(tmp_path / "places" / name)
        opened.append(open_place(where, tmp_path / f"cache-{len(opened)}", 1 << 20, QUICK))
        return opened[-1]

    yield make
    for place in opened:
        place.close()


def add_segment(catalog: Catalog, place: AnyPlace, segment_id: str) -> None:
    """One that is live, with its file."""
    write_plain(FileSegmentStore(place.segments), segment_id)
    live = a_segment(segment_id, rows=20, live_rows=20)
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    catalog.transact(lambda tx: tx.segments.reserve(live))
    catalog.transact(lambda tx: tx.segments.store(live, None))


def test_a_new_place_becomes_ours_and_stays_so(
    catalog_of: OpenCatalog, place_of: OpenPlace
) -> None:
    catalog = catalog_of("a")
    assert place_of("x").mark() is None
    for _ in range(3):
        claim_place(catalog, place_of("x"))
    mark = catalog.read(lambda tx: f"{tx.cluster.get().uid} {tx.cluster.get().place}")
    assert place_of("x").mark() == mark


def test_the_place_of_another_cluster_is_refused_and_stays_as_it_is(
    catalog_of: OpenCatalog, place_of: OpenPlace
) -> None:
    claim_place(catalog_of("a"), place_of("x"))
    mark = place_of("x").mark() or ""
    owner = mark.split()[0]
    place_of("x").set_holder("a turn of its own")
    for _ in range(2):
        with pytest.raises(StartupError, match=f"belongs to cluster {owner}.*a new prefix"):
            claim_place(catalog_of("b"), place_of("x"))
    assert place_of("x").mark() == mark
    claim_place(catalog_of("b"), place_of("y"))


def test_of_many_clusters_at_once_one_gets_the_place(
    catalog_of: OpenCatalog, place_of: OpenPlace
) -> None:
    pairs = [(catalog_of(name), place_of("x")) for name in "abcdef"]

    def claim(pair: tuple[Catalog, AnyPlace]) -> bool:
        try:
            claim_place(*pair)
        except StartupError:
            return False
        return True

    with ThreadPoolExecutor(len(pairs)) as threads:
        won = list(threads.map(claim, pairs))
    winner = pairs[won.index(True)][0]
    assert won.count(True) == 1
    owner = (place_of("x").mark() or "").split()[0]
    assert owner == winner.read(lambda tx: tx.cluster.get().uid)


def test_replicas_of_one_cluster_may_start_together(
    catalog_of: OpenCatalog, place_of: OpenPlace
) -> None:
    catalog = catalog_of("a")
    places = [place_of("x") for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda place: claim_place(catalog, place), places))


def test_the_place_that_was_used_before_is_named(
    catalog_of: OpenCatalog, place_of: OpenPlace
) -> None:
    catalog, x, y = catalog_of("a"), place_of("x"), place_of("y")
    claim_place(catalog, x)
    before = f"are not in {y.address} but in the place that was used before, {x.address}: name"
    with pytest.raises(StartupError, match=re.escape(before)):
        claim_place(catalog, y)


def test_a_place_that_was_moved_is_remembered_by_its_new_name(
    catalog_of: OpenCatalog, tmp_path: Path
) -> None:
    catalog, old, new = catalog_of("a"), tmp_path / "old", tmp_path / "new"
    claim_place(catalog, LocalPlace(old))
    old.rename(new)
    claim_place(catalog, LocalPlace(new))
    with pytest.raises(StartupError, match=f"not in {old} but in .* before, {new}:"):
        claim_place(catalog, LocalPlace(old))
    new.rename(tmp_path / "elsewhere")  # as if it were no longer mounted
    with pytest.raises(StartupError, match=f"not in {new} but in .* before by the same name"):
        claim_place(catalog, LocalPlace(new))


def test_a_used_catalog_refuses_a_place_without_its_segments(
    catalog_of: OpenCatalog, place_of: OpenPlace
) -> None:
    catalog = catalog_of("a")
    add_segment(catalog, place_of("x"), "s-1")
    with pytest.raises(StartupError, match=r"1 are not in .*\(s-1\).*copy its folders"):
        claim_place(catalog, place_of("y"))
    assert place_of("y").mark() is None
    claim_place(catalog, place_of("x"))  # not marked yet, but these are its files


def test_a_new_catalog_refuses_a_place_with_segments_of_others(
    catalog_of: OpenCatalog, place_of: OpenPlace
) -> None:
    write_plain(FileSegmentStore(place_of("x").segments), "s-1")
    with pytest.raises(StartupError, match="1 segments that this catalog does not know"):
        claim_place(catalog_of("a"), place_of("x"))
    assert place_of("x").segment_ids() == {"s-1"}


def test_what_a_crash_left_does_not_keep_a_cluster_from_its_place(
    catalog_of: OpenCatalog, place_of: OpenPlace
) -> None:
    catalog = catalog_of("a")
    write_plain(FileSegmentStore(place_of("x").segments), "s-1")
    writing = a_segment("s-1", state=SegmentState.WRITING, expire_time_ms=2**60)
    catalog.transact(lambda tx: tx.segments.reserve(writing))
    claim_place(catalog, place_of("x"))


def test_an_inline_segment_is_not_looked_for(catalog_of: OpenCatalog, place_of: OpenPlace) -> None:
    catalog = catalog_of("a")
    row = a_segment("s-1", inline=True)
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    catalog.transact(lambda tx: tx.segments.reserve(row))
    catalog.transact(lambda tx: tx.segments.store(row, b"bytes"))
    claim_place(catalog, place_of("x"))


def test_replicas_that_name_different_places_are_refused_but_for_the_first(
    catalog_of: OpenCatalog, place_of: OpenPlace
) -> None:
    """As those do whose data folders are their own and who share the catalog alone."""
    catalog, places = catalog_of("a"), [place_of(name) for name in "xyz"]

    def claim(place: AnyPlace) -> str:
        try:
            claim_place(catalog, place)
        except StartupError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(3) as threads:
        said = list(threads.map(claim, places))
    assert said.count("") == 1
    assert all("all replicas share it: see --objects" in text for text in said if text)
    again = [claim(place) for place in places]
    assert [not text for text in again] == [not text for text in said]
    assert "all replicas share it" in claim(place_of("new"))
