"""Items on their way into segments."""

import numpy as np
import pytest

from alservice.domain import errors
from alservice.domain.project import DType
from alservice.domain.segment import SegmentState
from alservice.usecases.check_items import Shape
from alservice.usecases.write_segments import (
    INLINE_SEGMENTS,
    Place,
    SegmentFiller,
    go_live,
    keep,
    none_deleted,
)
from tests.usecases.conftest import Clock
from tests.usecases.items import Pool, block, small_files

LIVES = np.ones(2, np.int64)
DAY_MS = 24 * 3_600_000


def filler(pool: Pool) -> SegmentFiller:
    return SegmentFiller(
        pool.catalog, pool.store, Place("items", "default", Shape(3, DType.F32), "u-1")
    )


def file_count(pool: Pool) -> int:
    return len(pool.store.stray([]))


def test_a_few_items_stay_in_memory_and_many_go_to_a_file(items_pool: Pool) -> None:
    fill = filler(items_pool)
    assert fill.seal() is None
    fill.append(block(["a", "b"]), LIVES)
    piece = fill.seal()
    assert piece is not None
    assert piece.segment.inline
    assert piece.inline is not None
    assert file_count(items_pool) == 0
    with small_files():
        fill.append(block(["c", "d"]), LIVES)
        assert fill.rows == 2
        second = fill.seal()
    assert second is not None
    assert second.inline is None
    assert (second.segment.rows, second.segment.live_rows) == (2, 2)
    assert items_pool.store.stray([]) == [second.segment.segment_id]


def test_a_file_has_a_row_before_it_has_a_byte(items_pool: Pool) -> None:
    fill = filler(items_pool)
    with small_files():
        fill.append(block(["a", "b"]), LIVES)
    known = items_pool.catalog.read(lambda tx: tx.segments.all_ids())
    assert list(known) == list(items_pool.store.stray([]))
    row = items_pool.catalog.read(lambda tx: tx.segments.get(known[0]))
    assert row is not None
    assert row.state is SegmentState.WRITING
    fill.abort()
    assert file_count(items_pool) == 0
    assert fill.rows == 0


def test_a_file_is_full_by_its_vectors_or_by_all_else(items_pool: Pool) -> None:
    fill = filler(items_pool)
    with small_files(2**20, 30):
        fill.append(block(["a", "b"]), LIVES)
        assert not fill.full
        fill.append(block(["c", "d"]), LIVES)
        assert fill.full


def test_an_id_that_stands_twice_is_named_and_leaves_no_file(items_pool: Pool) -> None:
    fill = filler(items_pool)
    with small_files():
        fill.append(block(["a", "b"]), LIVES)
        fill.append(block(["c", "a"]), LIVES)
        with pytest.raises(errors.ItemExists) as caught:
            fill.seal()
    assert caught.value.metadata == {"item_ids": "a", "count": "1"}
    assert file_count(items_pool) == 0


def test_the_catalog_takes_only_so_many_inline_segments(items_pool: Pool) -> None:
    for number in range(INLINE_SEGMENTS):
        items_pool.add(block([f"i{number}"]))
    assert file_count(items_pool) == 0
    items_pool.add(block(["one more"]))
    assert file_count(items_pool) == 1


def test_a_piece_whose_time_ran_out_cannot_go_live_nor_be_kept(
    items_pool: Pool, clock: Clock
) -> None:
    fill = filler(items_pool)
    with small_files():
        fill.append(block(["a", "b"]), LIVES)
        piece = fill.seal()
    assert piece is not None
    clock.advance(DAY_MS)
    items_pool.catalog.transact(lambda tx: tx.segments.expire(tx.now_ms()))
    with pytest.raises(errors.Conflict):
        items_pool.catalog.transact(lambda tx: go_live(tx, piece, none_deleted(piece), 1))
    with pytest.raises(errors.Conflict):
        items_pool.catalog.transact(lambda tx: keep(tx, piece))
    assert items_pool.segment_count == 0


def test_a_piece_with_nothing_left_goes_to_the_sweeper(items_pool: Pool) -> None:
    fill = filler(items_pool)
    fill.append(block(["a", "b"]), LIVES)
    piece = fill.seal()
    assert piece is not None
    bits = np.array([0b11], np.uint8)
    assert items_pool.catalog.transact(lambda tx: go_live(tx, piece, bits, 1)) == 0
    assert items_pool.segment_count == 0
    (dead,) = items_pool.catalog.transact(lambda tx: tx.segments.expire(0))
    assert dead.segment_id == piece.segment.segment_id
