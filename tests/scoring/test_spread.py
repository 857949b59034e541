"""How a pool is cut into shards: evenly, stably, and only what others can open."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.core import Block, CancelFlag, Engine, Ranked
from alservice.domain.segment import Segment, SegmentState
from alservice.ports.scoring import SegmentBlock
from alservice.scoring.local import LocalScoring
from alservice.scoring.spread import SpreadScoring
from alservice.scoring.spread.shards import Order
from alservice.scoring.spread.spread import Spread
from alservice.scoring.spread.tasks import Draw
from alservice.storage.open_elsewhere import open_elsewhere
from alservice.strategies import discover
from bench.counted_shards import CountedShards
from tests.scoring.stored import Flaky, stored_block
from tests.strategies.pools import Pool, pools, question

SIZES = st.lists(st.integers(1, 30), max_size=12)
CUTS = st.lists(st.integers(0, 40), max_size=5)


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


class Weighed(CountedShards):
    """Notes the most vectors that any answer had."""

    most = 0

    def wait(self, cancel: CancelFlag) -> Mapping[int, object]:
        answers = super().wait(cancel)
        for answer in answers.values():
            assert isinstance(answer, tuple)
            self.most = max(self.most, len(answer[1]))
        return answers


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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where segments are kept."""
    return tmp_path_factory.mktemp("place")


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


@given(pool=pools(), cuts=CUTS, count=st.integers(0, 20), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=15)
def test_a_part_of_two_rounds_that_is_done_here_is_the_same_part(
    place: Path, pool: Pool, cuts: list[int], count: int, seed: int
) -> None:
    blocks = [stored_block(place, block) for block in pool.cut(*cuts)]
    ask = question(discover()["k_center"], pool, blocks, count, seed)

    def chosen(shards: int, *gone: int) -> Ranked:
        flaky = Flaky(partial(open_elsewhere, None, place), shards, gone)
        return SpreadScoring(Engine(1), shards=flaky).choose(ask)

    same(chosen(3, 1), chosen(3))
    same(chosen(3, 0, 1, 2), chosen(3))
    same(chosen(0), LocalScoring(Engine(1)).choose(ask))  # all is one part


def same(found: Ranked, expected: Ranked) -> None:
    np.testing.assert_array_equal(found.block, expected.block)
    np.testing.assert_array_equal(found.row, expected.row)


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
    same(drawn, Engine(1).random_top_k(blocks, 60, 5))


def test_no_answer_brings_more_vectors_than_come_in_good_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alservice.scoring.spread.spread._GATHERED_BYTES", 7 * 8)
    (tmp_path / "segments").mkdir()
    source = np.random.default_rng(1)
    blocks = [
        stored_block(tmp_path, replace(block, vectors=source.random((20, 2), np.float32)))
        for block in blocks_of([20, 20])
    ]
    block, row = source.integers(0, 2, 30), source.integers(0, 20, 30)
    shards = Weighed(partial(open_elsewhere, None, tmp_path), 2)
    found = Spread(shards, LocalScoring(Engine(1))).gather(blocks, block, row, CancelFlag())
    np.testing.assert_array_equal(found, Engine(1).gather(blocks, block, row))
    assert 0 < shards.most <= 7
