"""A pool as one snapshot shows it."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain import errors
from alservice.domain.segment import LINGER_MS
from alservice.ports.catalog import Tx
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.open_pool import is_set, live_row_numbers, open_pool
from alservice.usecases.pool_masks import mark
from tests.sweeping import sweeper
from tests.usecases.conftest import Clock
from tests.usecases.items import Pool, block, small_files


@given(st.integers(1, 70).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_bits_say_which_rows_are_deleted(rows: tuple[int, set[int]]) -> None:
    count, chosen = rows
    bits = mark(np.zeros((count + 7) // 8, np.uint8), np.array(sorted(chosen), np.int64))
    everything = np.arange(count, dtype=np.int64)
    assert set(np.flatnonzero(is_set(bits, everything)).tolist()) == chosen
    assert live_row_numbers(bits, count).tolist() == sorted(set(range(count)) - chosen)


def test_facts_and_segments_come_from_the_same_snapshot(items_pool: Pool) -> None:
    items_pool.add(block(["a", "b"]))
    items_pool.delete("b")

    def facts(tx: Tx) -> int:
        project = tx.projects.get("items")
        assert project is not None
        return project.revision

    (opened,), revision = open_pool(items_pool.catalog, items_pool.store, "items", facts)
    assert revision == opened.segment.revision == 2
    assert is_set(opened.deleted, np.array([0, 1])).tolist() == [False, True]


@pytest.mark.parametrize("inline_bytes", [0, 2**20])
def test_who_loses_the_race_with_a_merge_reads_a_new_snapshot(
    items_pool: Pool, clock: Clock, monkeypatch: pytest.MonkeyPatch, inline_bytes: int
) -> None:
    with small_files(inline_bytes):
        for item_id in "abc":
            items_pool.add(block([item_id]))
    fresh = LocalSegmentStore(items_pool.store._folder)  # type: ignore[attr-defined]
    opens = fresh.open
    merged: list[int] = []

    def merge_first(*args: object) -> object:
        if not merged:
            merged.append(items_pool.merge())
            clock.advance(LINGER_MS)
            sweeper(items_pool.catalog, fresh)()
        call: Callable[..., object] = opens
        return call(*args)

    monkeypatch.setattr(fresh, "open", merge_first)
    pool, _ = open_pool(items_pool.catalog, fresh, "items", lambda _: None)
    assert sum(segment.reader.rows for segment in pool) == 3
    assert merged == [3]


def test_a_file_that_is_really_gone_is_reported(items_pool: Pool) -> None:
    with small_files():
        items_pool.add(block(["a"]))
    (segment,) = items_pool.catalog.read(lambda tx: tx.segments.live("items"))
    items_pool.store.remove(segment.segment_id)
    with pytest.raises(errors.SegmentCorrupt) as caught:
        open_pool(items_pool.catalog, items_pool.store, "items", lambda _: None)
    assert caught.value.metadata["segment"] == segment.segment_id
