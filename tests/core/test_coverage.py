"""Greedy coverage against its definition in NumPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alservice.core import CancelFlag, Cancelled, Engine
from alservice.core.coverage import herd

ENGINES = [Engine(1), Engine(2), Engine(2, "scalar")]
F64 = NDArray[np.float64]


def _similarities(candidates: Any, rows: Any, kernel: str, scale: float) -> F64:
    x, y = candidates.astype(np.float64), rows.astype(np.float64)
    if kernel == "dot":
        return np.asarray(np.maximum(x @ y.T, 0))
    squared = ((x[:, None] - y[None]) ** 2).sum(2)
    if kernel == "ball":
        return np.asarray(squared <= scale * scale, np.float64)
    return np.asarray(np.exp(-squared / scale**2))


def _check(similar: F64, weights: Any, covered: Any, k: int, picks: Any, gains: Any) -> None:
    """Every pick gains the most, as much as it says, and nothing is left to gain at the end."""
    now = covered.astype(np.float64)
    assert len(picks) == len(gains) <= k
    assert len(set(picks.tolist())) == len(picks)
    for pick, gain in zip(picks, gains, strict=True):
        every = np.maximum(similar - now, 0) @ weights
        assert every[pick] >= every.max() - 1e-5 * (1 + every.max())
        assert gain == pytest.approx(every[pick], rel=1e-4, abs=1e-5)
        now = np.maximum(now, similar[pick])
    if len(picks) < min(k, len(similar)):
        assert (np.maximum(similar - now, 0) @ weights).max(initial=0) < 1e-4


@st.composite
def _tasks(draw: st.DrawFn) -> dict[str, Any]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    m, n, d = draw(st.tuples(st.integers(0, 40), st.integers(0, 300), st.integers(1, 33)))
    values = (
        rng.integers(-2, 3, (m + n, d)) if draw(st.booleans()) else rng.normal(size=(m + n, d))
    )
    rows = (values / 2).astype(np.float32)
    candidates = rows[:m] if draw(st.booleans()) else rows[-m - 1 : -1][:m]
    return {
        "candidates": np.ascontiguousarray(candidates),
        "rows": np.ascontiguousarray(rows[:n]),
        "weights": rng.integers(0, 3, n).astype(np.float32),
        "covered": (rng.random(n) * rng.integers(0, 2)).astype(np.float32),
        "kernel": draw(st.sampled_from(["rbf", "ball", "dot"])),
        "scale": draw(st.sampled_from([0.71, 1.3, 4.1])),
        "k": draw(st.integers(0, 12)),
    }


@settings(max_examples=60, deadline=None)
@given(_tasks())
def test_every_pick_gains_the_most_on_every_engine(task: dict[str, Any]) -> None:
    similar = _similarities(task["candidates"], task["rows"], task["kernel"], task["scale"])
    if task["kernel"] == "ball":
        # At the very edge of a ball rounding decides.
        near = _similarities(task["candidates"], task["rows"], "ball", task["scale"] * 1.0001)
        if (near != similar).any():
            return
    for engine in ENGINES:
        picks, gains = herd(engine, **task)
        _check(similar, task["weights"], task["covered"], task["k"], picks, gains)


def test_the_number_of_threads_changes_nothing() -> None:
    rows = np.random.default_rng(0).normal(size=(900, 24)).astype(np.float32)
    ones, zeros = np.ones(900, np.float32), np.zeros(900, np.float32)
    one, two = (herd(e, rows, rows, ones, zeros, "rbf", 4.0, 20) for e in ENGINES[:2])
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


def test_the_first_of_equals_is_picked_and_a_covered_pool_gains_nothing() -> None:
    rows = np.array([[0.0], [5.0], [0.0], [5.0], [9.0]], np.float32)
    ones, zeros = np.ones(5, np.float32), np.zeros(5, np.float32)
    picks, gains = herd(ENGINES[0], rows, rows, ones, zeros, "ball", 1.0, 9)
    assert picks.tolist() == [0, 1, 4]
    assert gains.tolist() == [2, 2, 1]
    assert herd(ENGINES[0], rows, rows, ones, ones, "ball", 1.0, 9)[0].size == 0


def test_a_flag_that_is_set_ends_it() -> None:
    rows, ones = np.ones((9, 3), np.float32), np.ones(9, np.float32)
    flag = CancelFlag()
    flag.cancel()
    with pytest.raises(Cancelled):
        herd(ENGINES[0], rows, rows, ones, 0 * ones, "rbf", 1.0, 2, flag)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"rows": np.ones((9, 4), np.float32)}, "dimension"),
        ({"weights": np.ones(8, np.float32)}, "weights"),
        ({"weights": np.full(9, -1, np.float32)}, "weights"),
        ({"covered": np.full(9, np.nan, np.float32)}, "covered"),
        ({"candidates": np.full((9, 3), np.inf, np.float32)}, "candidates"),
        ({"candidates": np.ones((9, 0), np.float32), "rows": np.ones((9, 0), np.float32)}, "row"),
        ({"kernel": "cosine"}, "rbf"),
        ({"scale": 0.0}, "scale"),
        ({"scale": np.nan}, "scale"),
        ({"k": -1}, "k"),
    ],
)
def test_a_refusal_names_what_is_wrong(change: dict[str, Any], word: str) -> None:
    ones = np.ones(9, np.float32)
    rows = np.ones((9, 3), np.float32)
    good: dict[str, Any] = {"candidates": rows, "rows": rows, "weights": ones, "covered": ones}
    good |= {"kernel": "rbf", "scale": 1.0, "k": 2}
    with pytest.raises(ValueError, match=word):
        herd(ENGINES[0], **good | change)
