"""How a pool is cut into shards: evenly, stably, and only what others can open."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alservice.core import Block, CancelFlag, Engine
from alservice.domain.segment import Segment, SegmentState
from alservice.ports.scoring import SegmentBlock
from alservice.scoring.local import LocalScoring
from alservice.scoring.spread.shards import Order
from alservice.scoring.spread.spread import Spread
from alservice.scoring.spread.tasks import Draw
from alservice.storage.open_elsewhere import open_elsewhere
from bench.counted_shards import CountedShards
from tests.scoring.stored import stored_block

SIZES = st.lists(st.integers(1, 30), max_size=12)


class Listening(CountedShards):
    """Notes which block went where; nobody answers."""

    def __init__(self, count: int) -> None:
        super().__init__(partial(open_elsewhere, None, Path.cwd()), 0)
        self.rows_walked, self.places = [0] * count, dict[int, int]()

    @property
    def count(self) -> int:
        return len(self.rows_walked)

    def start(self, orders: Mapping[int, Order]) -> Self:
        for shard, order in orders.items():
            self.places.update((piece.number, shard) for piece in order.pieces)
            self.rows_walked[shard] += sum(piece.segment.rows for piece in order.pieces)
        return self


def blocks_of(sizes: list[int]) -> list[Block]:
    """Blocks of segments that are nowhere."""
    return [
        SegmentBlock(
            vectors=np.zeros((size, 2), np.float32),
            id_hash=np.arange(size, dtype=np.uint64),
            excluded=np.zeros((size + 7) // 8, np.uint8),
            segment=Segment(
                segment_id=str(number),
                project_id="p",
                space_id="s",
                state=SegmentState.LIVE,
                rows=size,
            ),
        )
        for number, size in enumerate(sizes)
    ]


def cut(sizes: list[int], count: int) -> Listening:
    """How so many shards would share these segments."""
    shards = Listening(count)
    spread = Spread(shards, LocalScoring(Engine(1)))
    spread.run(Draw(3, 1), blocks_of(sizes), (), CancelFlag())
    return shards


@given(sizes=SIZES, count=st.integers(1, 8))
def test_every_segment_is_walked_once_and_work_is_even_to_within_one(
    sizes: list[int], count: int
) -> None:
    shards = cut(sizes, count)
    assert sorted(shards.places) == list(range(len(sizes)))
    assert sum(shards.rows_walked) == sum(sizes)
    assert max(shards.rows_walked) - min(shards.rows_walked) <= max(sizes, default=0)


@given(sizes=SIZES, more=SIZES, count=st.integers(1, 8))
def test_what_is_added_later_moves_nothing(sizes: list[int], more: list[int], count: int) -> None:
    before, after = cut(sizes, count).places, cut(sizes + more, count).places
    assert {number: after[number] for number in before} == before


def test_what_nobody_else_can_open_stays_here(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    stored = [stored_block(tmp_path, block) for block in blocks_of([20, 20, 20])]
    first = stored[0]
    assert isinstance(first, SegmentBlock)
    inline = replace(first, segment=replace(first.segment, inline=True))
    plain = Block(stored[1].vectors, stored[1].id_hash, stored[1].excluded)
    shards = CountedShards(partial(open_elsewhere, None, tmp_path), 2)
    blocks: list[Block] = [inline, plain, stored[2]]
    drawn = Spread(shards, LocalScoring(Engine(1))).draw(blocks, 60, 5, CancelFlag())
    assert sorted(shards.rows_walked) == [0, 20]
    expected = Engine(1).random_top_k(blocks, 60, 5)
    np.testing.assert_array_equal(drawn.block, expected.block)
    np.testing.assert_array_equal(drawn.row, expected.row)
