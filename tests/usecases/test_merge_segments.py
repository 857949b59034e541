"""Folding small segments into large ones."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from alservice.core import CancelFlag
from alservice.domain import errors
from alservice.domain.item import Attributes, OnConflict
from alservice.domain.segment import LINGER_MS
from alservice.usecases import merge_segments as module
from alservice.usecases.merge_segments import MergeSegments
from tests.sweeping import sweeper
from tests.usecases.conftest import Clock
from tests.usecases.items import Pool, block, quietly, small_files

IDS = [f"i{number}" for number in range(40)]


def test_a_merge_keeps_everything_but_what_is_deleted(items_pool: Pool) -> None:
    for number, item_id in enumerate(IDS[:10]):
        costs = np.array([number + 1], np.float32)
        groups = (Attributes(f"g{number}"),)
        items_pool.add(block([item_id], costs=costs, attributes=groups, class_ids=("cat",)))
    items_pool.delete("i3", "i4")
    items_pool.add(block(["i5"], 1), OnConflict.REPLACE)
    before = [repr(item) for item in items_pool.items()]
    assert items_pool.merge() == 11
    assert [repr(item) for item in items_pool.items()] == before
    (segment,) = items_pool.catalog.read(lambda tx: tx.segments.live("items"))
    assert (segment.rows, segment.live_rows, segment.deletions) == (8, 8, b"")


@pytest.mark.parametrize("inline_bytes", [0, 2**20])
def test_sources_linger_then_they_are_swept_and_nothing_else(
    items_pool: Pool, clock: Clock, inline_bytes: int
) -> None:
    sweep = sweeper(items_pool.catalog, items_pool.store)
    with small_files(inline_bytes, 10**6):
        for item_id in IDS[:5]:
            items_pool.add(block([item_id]))
        content = items_pool.content()
        items_pool.merge()
        assert sweep().dead == 0
        clock.advance(LINGER_MS)
        assert sweep().dead == 5
    assert items_pool.content() == content
    assert len(items_pool.store.stray([])) == (0 if inline_bytes else 1)


def test_what_is_deleted_while_rows_are_copied_stays_deleted(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    items_pool.add(block(IDS[:4]))
    items_pool.add(block(IDS[4:8]))
    items_pool.delete("i0")
    swap = module.Swap

    def delete_first(*args: object) -> object:
        items_pool.delete("i2", "i7")
        items_pool.add(block(["i7", "new"], 1))
        return swap(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "Swap", delete_first)
    assert items_pool.merge() == 2
    monkeypatch.undo()
    expected = {"i1", "i3", "i4", "i5", "i6", "i7", "new"}
    assert set(items_pool.content()) == expected
    assert items_pool.content()["i7"][0][0] == 1.0
    items_pool.merge()
    assert set(items_pool.content()) == expected


def test_of_two_merges_at_once_one_gives_up_and_nothing_is_lost(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item_id in IDS[:4]:
        items_pool.add(block([item_id]))
    swap = module.Swap
    inner: list[int] = []

    def merge_first(*args: object) -> object:
        if not inner:
            inner.append(0)
            inner[0] = items_pool.merge()
        return swap(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "Swap", merge_first)
    with small_files(), pytest.raises(errors.Conflict):
        items_pool.merge()
    assert inner == [4]
    assert set(items_pool.content()) == set(IDS[:4])
    assert len(items_pool.store.stray([])) == 1


def test_merging_while_others_delete_add_and_change_loses_nothing(items_pool: Pool) -> None:
    for item_id in IDS:
        items_pool.add(block([item_id]))
    done = threading.Event()

    def merge() -> None:
        while not done.is_set():
            items_pool.merge()

    def change(part: int) -> None:
        for number in range(part, 40, 4):
            if number % 2:
                items_pool.delete(f"i{number}")
            else:
                items_pool.regroup(f"i{number}", group="new")
            items_pool.add(block([f"n{number}"]))

    with ThreadPoolExecutor(5) as threads:
        merging = threads.submit(merge)
        for changing in [threads.submit(change, part) for part in range(4)]:
            changing.result()
        done.set()
        merging.result()
    content = items_pool.content()
    old = {item_id: group for item_id, (_, group) in content.items() if item_id in IDS}
    assert old == {f"i{number}": "new" for number in range(0, 40, 2)}
    assert set(content) - set(old) == {f"n{number}" for number in range(40)}
    assert items_pool.project.item_count == 60


def test_a_pool_of_deleted_items_vanishes(items_pool: Pool) -> None:
    items_pool.add(block(["a", "b"]))
    items_pool.delete("a", "b")
    assert items_pool.merge() == 1
    assert items_pool.segment_count == 0


def test_a_tidy_pool_is_left_alone(items_pool: Pool) -> None:
    items_pool.add(block(["a", "b"]))
    revision = items_pool.project.revision
    assert items_pool.merge() == 0
    assert items_pool.project.revision == revision


def test_a_cancelled_merge_changes_nothing(items_pool: Pool) -> None:
    for item_id in "abc":
        items_pool.add(block([item_id]))
    flag = CancelFlag()
    flag.cancel()
    merge = MergeSegments(items_pool.catalog, items_pool.store)
    with small_files(), pytest.raises(errors.Cancelled):
        merge("items", flag, quietly)
    assert items_pool.segment_count == 3
    assert list(items_pool.store.stray([])) == []


def test_progress_is_told(items_pool: Pool) -> None:
    for item_id in "abc":
        items_pool.add(block([item_id]))
    told: list[tuple[float, str]] = []
    merge = MergeSegments(items_pool.catalog, items_pool.store)
    merge("items", CancelFlag(), lambda share, stage: told.append((share, stage)))
    assert told == [(0.0, "merging"), (1.0, "merged")]


def test_a_merge_keeps_no_more_than_so_many_columns_in_memory(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item_id in IDS[:4]:
        heavy = (Attributes(metadata_json=f'{{"a":"{"x" * 10_000}"}}'),)
        items_pool.add(block([item_id], attributes=heavy))
    content = items_pool.content()
    monkeypatch.setattr(module, "COLUMN_BYTES", 30_000)
    assert items_pool.merge() == 4
    assert items_pool.segment_count == 2
    assert items_pool.content() == content
