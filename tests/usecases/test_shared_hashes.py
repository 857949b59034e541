"""Whether segments have hashes in common, beside sets."""

from collections import Counter
from dataclasses import dataclass
from typing import cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from alservice import core
from alservice.ports.segments import PackedIds, SegmentReader
from alservice.usecases.shared_hashes import any_repeated, which_share

# Few enough to meet often, and from both ends of what a hash can be.
HASHES = st.one_of(
    st.integers(0, 30), st.integers(2**63 - 3, 2**63 + 3), st.integers(2**64 - 9, 2**64 - 1)
)
SEGMENTS = st.lists(st.lists(HASHES, min_size=1, max_size=12), max_size=5)
AT_ONCE = st.integers(1, 40)  # from a range for each hash to one for all


@dataclass(frozen=True, slots=True)
class Hashes:
    """As much of a segment as is looked at: no text has a hash that one could choose."""

    ids: PackedIds
    order: NDArray[np.uint32]

    @property
    def rows(self) -> int:
        return len(self.ids.hashes)


def reader(numbers: list[int]) -> SegmentReader:
    hashes = np.array(numbers, np.uint64)
    nothing, offsets = np.zeros(0, np.uint8), np.zeros(len(numbers) + 1, np.int64)
    made = Hashes(PackedIds(nothing, offsets, hashes), core.sort_hashes(hashes))
    return cast("SegmentReader", made)


@given(SEGMENTS, AT_ONCE)
def test_a_hash_that_stands_twice_is_noticed_wherever_it_stands(
    segments: list[list[int]], at_once: int
) -> None:
    counts = Counter(number for numbers in segments for number in numbers)
    expected = any(count > 1 for count in counts.values())
    assert any_repeated([reader(numbers) for numbers in segments], at_once) is expected


@given(SEGMENTS, SEGMENTS, AT_ONCE)
def test_segments_that_share_a_hash_with_new_ones_are_told_from_the_others(
    old: list[list[int]], new: list[list[int]], at_once: int
) -> None:
    wanted = {number for numbers in new for number in numbers}
    shares = which_share(list(map(reader, old)), list(map(reader, new)), at_once)
    assert shares.tolist() == [not wanted.isdisjoint(numbers) for numbers in old]
