"""Segments inside a transaction are those that were opened outside of it."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.ports.catalog import Tx
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases import warm_pool as module
from alservice.usecases.open_pool import OpenSegment, open_pool
from alservice.usecases.warm_pool import ColdPoolError, WarmPool
from tests.usecases.items import Pool, block, small_files


@pytest.fixture
def cold(items_pool: Pool) -> LocalSegmentStore:
    """The store of a replica that has opened nothing."""
    assert isinstance(items_pool.store, LocalSegmentStore)
    return LocalSegmentStore(items_pool.store._folder)


def add(pool: Pool, *item_ids: str) -> None:
    """Each in a file of its own."""
    with small_files():
        for item_id in item_ids:
            pool.add(block([item_id]))


def counted(
    warm: WarmPool,
) -> tuple[Callable[[Tx], tuple[OpenSegment, ...]], list[int]]:
    """A work that opens the pool, and how many segments it met each time."""
    met: list[int] = []

    def work(tx: Tx) -> tuple[OpenSegment, ...]:
        met.append(len(tx.segments.live("items")))
        return warm.open(tx, "items")

    return work, met


def test_what_a_snapshot_has_opened_is_taken_and_nothing_is_begun_anew(
    items_pool: Pool, cold: LocalSegmentStore
) -> None:
    add(items_pool, "a", "b")
    items_pool.add(block(["c"]))  # in the catalog
    pool, _ = open_pool(items_pool.catalog, cold, "items", lambda _: None)
    cold.keep_only([])  # the store may let go of readers at any time
    work, met = counted(WarmPool.of(cold, pool))
    opened = WarmPool.of(cold, pool).transact(items_pool.catalog, work)
    assert met == [3]
    assert [each.reader for each in opened[:2]] == [each.reader for each in pool[:2]]


def test_what_is_new_is_opened_outside_and_the_work_begun_anew(
    items_pool: Pool, cold: LocalSegmentStore
) -> None:
    add(items_pool, "a")
    pool, _ = open_pool(items_pool.catalog, cold, "items", lambda _: None)
    add(items_pool, "b", "c")
    warm = WarmPool.of(cold, pool)
    with pytest.raises(ColdPoolError) as caught:
        items_pool.catalog.transact(lambda tx: warm.open(tx, "items"))
    assert len(caught.value.segments) == 2
    work, met = counted(warm)
    assert sum(each.reader.rows for each in warm.transact(items_pool.catalog, work)) == 3
    assert met == [3, 3]


def test_what_this_replica_wrote_itself_is_open_already(items_pool: Pool) -> None:
    warm = WarmPool(items_pool.store)
    add(items_pool, "a", "b")
    work, met = counted(warm)
    assert len(warm.transact(items_pool.catalog, work)) == 2
    assert met == [2]


def test_a_file_that_is_gone_is_reported_and_one_that_was_merged_away_is_not(
    items_pool: Pool, cold: LocalSegmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(items_pool, "a", "b")
    names = [s.segment_id for s in items_pool.catalog.read(lambda tx: tx.segments.live("items"))]
    opens = LocalSegmentStore.open

    def merge_first(store: LocalSegmentStore, *rest: object) -> object:
        monkeypatch.undo()
        items_pool.merge()
        for name in names:
            items_pool.store.remove(name)
        return opens(store, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalSegmentStore, "open", merge_first)
    warm = WarmPool(cold)
    work, _ = counted(warm)
    (merged,) = warm.transact(items_pool.catalog, work)
    assert merged.reader.rows == 2
    add(items_pool, "c")
    (*_, last) = items_pool.catalog.read(lambda tx: tx.segments.live("items"))
    items_pool.store.remove(last.segment_id)
    with pytest.raises(errors.SegmentCorrupt):
        warm.transact(items_pool.catalog, work)


def test_a_pool_that_never_rests_is_a_conflict(
    items_pool: Pool, cold: LocalSegmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = LocalSegmentStore.open
    count = iter(range(99))
    add(items_pool, "a")

    def add_one(store: LocalSegmentStore, *rest: object) -> object:
        if store is cold:
            add(items_pool, f"x{next(count)}")
        return opens(store, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalSegmentStore, "open", add_one)
    monkeypatch.setattr(module, "_ATTEMPTS", 3)
    work, met = counted(warm := WarmPool(cold))
    with pytest.raises(errors.Conflict, match="grew again and again"):
        warm.transact(items_pool.catalog, work)
    assert met == [1, 2, 3]
