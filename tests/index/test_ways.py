"""The way is chosen by rows and by bytes, and what fits no way is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.errors import IndexTooLarge
from alservice.index import ways
from alservice.index.ways import EXACT_BYTES, Limits, Size, Way, half_of_memory

ROOMY = Limits(build_bytes=2**40)


@pytest.mark.parametrize(
    ("rows", "dimension", "way"),
    [
        (1, 65_536, Way.EXACT),
        (50_000, 384, Way.EXACT),
        (50_001, 384, Way.GRAPH),
        (50_000, 65_536, Way.GRAPH),  # 13 GB of float32
        (5_000_000, 384, Way.GRAPH),
        (5_000_001, 384, Way.LISTS),
    ],
)
def test_small_pools_are_compared_whole_unless_their_vectors_are_long(
    rows: int, dimension: int, way: Way
) -> None:
    assert ROOMY.way(Size(rows, dimension, 16)) is way


def test_where_memory_is_short_a_coarser_way_is_taken_and_then_none() -> None:
    size = Size(4_000_000, 384, 16)
    assert Limits(build_bytes=size.build_bytes(Way.GRAPH)).way(size) is Way.GRAPH
    assert Limits(build_bytes=size.build_bytes(Way.GRAPH) - 1).way(size) is Way.LISTS
    with pytest.raises(IndexTooLarge, match="4,000,000 items with 16 neighbours each") as refused:
        Limits(build_bytes=size.build_bytes(Way.LISTS) - 1).way(size)
    assert int(refused.value.metadata["needed_bytes"]) == size.build_bytes(Way.LISTS)


@given(st.integers(17, 10**9), st.integers(1, 65_536), st.integers(1, 64), st.integers(0, 2**44))
def test_no_way_takes_more_than_it_may(rows: int, dimension: int, count: int, room: int) -> None:
    size = Size(rows, dimension, count)
    try:
        way = Limits(build_bytes=room).way(size)
    except IndexTooLarge:
        assert size.build_bytes(Way.LISTS) > room
    else:
        assert size.build_bytes(way) <= room
        assert way is not Way.EXACT or size.vector_bytes() <= EXACT_BYTES


def test_half_of_the_memory_is_that_of_the_group_where_it_is_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = tmp_path / "memory.max"
    monkeypatch.setattr(ways, "QUOTA", quota)
    machine = half_of_memory()
    assert machine > 2**20
    quota.write_text("max\n")
    assert half_of_memory() == machine
    quota.write_text("2000000\n")
    assert half_of_memory() == 1_000_000
