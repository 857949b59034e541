"""Shortlists: all of a small pool, the best and some others of a large one."""

from dataclasses import replace

import numpy as np
import pytest

from alservice.core import Ranked
from alservice.domain.shortlist import first, hashes, open_count, open_rows, shortlist, union
from tests.strategies.modelled import ENGINE, margins, modelled


def ranked(*rows: int) -> Ranked:
    return Ranked(
        np.zeros(len(rows), np.int64), np.array(rows, np.int64), np.zeros(len(rows), np.float32)
    )


def test_open_rows_are_those_that_no_bit_excludes() -> None:
    pool = modelled(1)
    view = pool.view(7)
    assert open_count(view.blocks) == pool.open_count > 0
    second = view.blocks[1]
    np.testing.assert_array_equal(open_rows(second), np.flatnonzero(~pool.excluded[7:]))


def test_a_union_has_each_row_once_at_its_first_place() -> None:
    both = union(ranked(5, 2, 9), ranked(2, 1, 5, 3))
    assert both.row.tolist() == [5, 2, 9, 1, 3]
    assert first(both, 2).row.tolist() == [5, 2]
    assert first(both, 20).row.tolist() == [5, 2, 9, 1, 3]


def test_a_small_pool_is_taken_whole_in_the_order_of_its_hashes() -> None:
    view = modelled(2).view(3)
    rows = shortlist(view, 30)
    np.testing.assert_array_equal(rows.row, view.sample(30).row)


def test_of_a_large_one_half_are_the_best_and_none_comes_twice() -> None:
    pool = modelled(2, 200, excluded=0)
    chosen = pool.where(shortlist(pool.view(50), 20), 50)
    assert len(set(chosen)) == 20
    best = np.argsort(-margins(pool, range(200)), kind="stable")[:10]
    assert set(chosen[:10]) == set(best.tolist())


def test_hashes_are_those_of_the_rows() -> None:
    view = modelled(1).view(11)
    rows = view.sample(30)
    found = hashes(view, rows)
    expected = [view.blocks[b].id_hash[r] for b, r in zip(rows.block, rows.row, strict=True)]
    assert found.tolist() == expected


def test_without_a_model_there_is_nothing_to_diversify() -> None:
    view = replace(modelled(1, 60).view(), scored=None)
    with pytest.raises(AssertionError):
        shortlist(view, 10)
    assert ENGINE is view.engine
