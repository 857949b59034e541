"""Taking turns, against a table with real turns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.turns import turns

SIZES = st.lists(st.integers(0, 6), max_size=8)


@given(sizes=SIZES, count=st.integers(0, 40), data=st.data())
def test_each_group_gives_one_per_round_once_its_own_rounds_are_sat_out(
    sizes: list[int], count: int, data: st.DataObject
) -> None:
    taken = data.draw(st.lists(st.integers(0, 4), min_size=len(sizes), max_size=len(sizes)))
    dealt: list[tuple[int, int]] = []
    given_out = [0] * len(sizes)
    for round_ in range(20):
        for at, size in enumerate(sizes):
            if round_ >= taken[at] and given_out[at] < size:
                dealt.append((at, given_out[at]))
                given_out[at] += 1
    group, member = turns(np.array(sizes, np.int64), count, np.array(taken, np.int64))
    assert list(zip(group.tolist(), member.tolist(), strict=True)) == dealt[:count]


def test_without_word_of_earlier_rounds_all_begin_together() -> None:
    group, member = turns(np.array([2, 0, 1]), 9)
    assert group.tolist() == [0, 2, 0]
    assert member.tolist() == [0, 0, 1]
