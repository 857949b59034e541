import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from rich.console import Console

from alservice.demo.comparison import Arm, Comparison
from alservice.demo.table import SHOWN_ROWS, table

CURVES = hnp.arrays(float, (2, 3, 20), elements=st.floats(0, 1))


def comparison(curves: NDArray[np.float64]) -> Comparison:
    counts = 20 * np.arange(1, curves.shape[2] + 1)
    return Comparison(counts, Arm("margin", curves[0]), Arm("random", curves[1]))


@given(CURVES)
def test_no_fewer_labels_reach_the_goal(curves: NDArray[np.float64]) -> None:
    made = comparison(curves)
    needed = made.labels_to_goal
    before = made.arm.mean[made.label_counts < (needed or 10**9)]
    assert np.all(before < made.goal)
    if needed is None:
        assert "did not reach" in made.verdict()
    else:
        assert made.arm.mean[made.label_counts == needed] >= made.goal
        assert f"with {needed} of 400 labels" in made.verdict()


@given(CURVES)
def test_the_control_reaches_its_own_goal_by_its_last_label(curves: NDArray[np.float64]) -> None:
    made = comparison(np.stack([curves[1], curves[1]]))
    assert made.labels_to_goal is not None and made.labels_to_goal <= 400


def test_the_verdict_says_how_much_was_saved() -> None:
    arm, control = np.full((1, 20), 0.5), np.full((1, 20), 0.5)
    arm[0, 8:], control[0, -1] = 0.96, 0.953
    assert comparison(np.stack([arm, control])).verdict() == (
        "demo: margin reached random's final accuracy (0.953) with 180 of 400 labels, 55 % saved"
    )


@pytest.mark.parametrize("seeds", [1, 3])
def test_rounds_without_a_model_are_neither_reached_nor_hidden(seeds: int) -> None:
    curves = np.full((2, seeds, 20), 0.9)
    curves[0, 0, 0] = np.nan
    made = comparison(curves)
    assert made.labels_to_goal == 40
    console = Console(file=io.StringIO(), width=80)
    console.print(table(made))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert "no model yet" in lines[1] and len(lines) == 1 + SHOWN_ROWS
