"""MaxDet, against its naive twin: every determinant afresh."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.strategies import max_det
from tests.strategies.fisher_oracle import Fisher
from tests.strategies.modelled import check_edges, modelled, rows_in_hash_order


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 8))
@settings(max_examples=40)
def test_each_pick_lets_the_log_determinant_grow_most(seed: int, count: int) -> None:
    pool = modelled(seed, 20, leased=2)
    rows = rows_in_hash_order(pool)
    fisher = Fisher(pool, rows)
    chosen = max_det.select(pool.view(), count)
    picks = [rows.index(row) for row in pool.where(chosen)]
    assert len(picks) == min(count, len(rows))
    for turn, (pick, told) in enumerate(zip(picks, chosen.score, strict=True)):
        before = picks[:turn]
        grown = [
            fisher.log_det([*before, row]) if row not in before else -np.inf
            for row in range(len(rows))
        ]
        best = max(grown) - fisher.log_det(before)
        np.testing.assert_allclose([grown[pick] - fisher.log_det(before), told], best, atol=1e-4)


def test_a_smaller_batch_is_the_beginning_of_a_larger_one() -> None:
    pool = modelled(3)
    few, many = (max_det.select(pool.view(), count) for count in (4, 9))
    assert many.row[:4].tolist() == few.row.tolist()


def test_the_growth_and_the_uncertainty_are_told() -> None:
    chosen = max_det.select(modelled(3).view(), 5)
    np.testing.assert_array_equal(chosen.components["growth"], chosen.score)
    assert (
        (chosen.components["uncertainty"] >= 0) & (chosen.components["uncertainty"] <= 0.25)
    ).all()


def test_awkward_pools() -> None:
    # Where no item is uncertain none lets the determinant grow.
    check_edges(max_det.select, may_fall_short=True)
