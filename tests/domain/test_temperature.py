"""Temperature against a search of its whole range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.domain import temperature


def drawn(seed: int, n: int, class_count: int, heat: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are honest after division by `heat`, and classes drawn from them."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, class_count))
    classes = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return logits * heat, classes


@given(
    st.integers(0, 2**32),
    st.integers(2, 300),
    st.integers(2, 8),
    st.sampled_from([0.1, 0.5, 1.0, 3.0, 10.0]),
)
@settings(max_examples=60, deadline=None)
def test_newton_finds_what_a_search_of_the_range_finds(
    seed: int, n: int, class_count: int, heat: float
) -> None:
    logits, classes = drawn(seed, n, class_count, heat)
    weights = np.random.default_rng(seed).uniform(0.1, 1, n)
    found = temperature.fit(logits, classes, weights)
    trust = n / (n + temperature.PRIOR_ROWS)
    unshrunk = np.exp(np.log(found) / trust)
    best = min(
        temperature.loss(logits / t, classes, weights) for t in np.geomspace(1 / 20, 20, 400)
    )
    assert temperature.loss(logits / unshrunk, classes, weights) <= best + 1e-4


def test_it_recovers_the_heat_that_went_in() -> None:
    logits, classes = drawn(5, 4_000, 4, 3.0)
    assert temperature.fit(logits, classes, np.ones(4_000)) == pytest.approx(3.0, rel=0.15)


@given(st.integers(0, 2**32), st.integers(0, 6))
def test_few_rows_hardly_move_it(seed: int, n: int) -> None:
    logits, classes = drawn(seed, n, 3, 1.0)
    found = temperature.fit(logits, classes, np.ones(n))
    assert abs(np.log(found)) <= np.log(20) * n / (n + 20) + 1e-9


@given(st.integers(0, 2**32), st.integers(0, 300), st.floats(0.1, 5))
@settings(max_examples=30, deadline=None)
def test_few_rows_leave_it_near_the_usual_and_many_forget_it(
    seed: int, n: int, usual: float
) -> None:
    logits, classes = drawn(seed, n, 3, 1.0)
    plain, shrunk = (temperature.fit(logits, classes, np.ones(n), u) for u in (1.0, usual))
    assert np.log(shrunk / plain) == pytest.approx(np.log(usual) * 20 / (n + 20), abs=1e-9)


def test_a_class_that_can_never_be_does_not_disturb_it() -> None:
    logits, classes = drawn(8, 200, 3, 2.0)
    padded = np.concatenate([logits, np.full((200, 1), -1e4)], axis=1)
    weights = np.ones(200)
    assert temperature.fit(padded, classes, weights) == pytest.approx(
        temperature.fit(logits, classes, weights), rel=1e-6
    )


@given(st.floats(0.05, 20), st.integers(2, 50))
def test_it_is_served_from_two_rows_a_class_on(best: float, class_count: int) -> None:
    assert temperature.served(best, 2 * class_count - 1, class_count) == 1
    assert temperature.served(best, 2 * class_count - 1, class_count, 0.3) == 0.3
    assert temperature.served(best, 2 * class_count, class_count) == best


@given(st.integers(0, 2**32), st.sampled_from([2, 3, 5]))
@settings(max_examples=20)
def test_timid_logits_are_sharpened_and_bold_ones_softened(seed: int, class_count: int) -> None:
    timid, bold = (drawn(seed, 2_000, class_count, heat) for heat in (0.2, 5.0))
    assert temperature.fit(*timid, np.ones(2_000)) < 0.5
    assert temperature.fit(*bold, np.ones(2_000)) > 2
