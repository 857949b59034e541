from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.replay_plan import held_out, round_sizes

SIZES = st.integers(0, 300)


@given(st.integers(1, 400), st.integers(2, 100), SIZES, SIZES, SIZES, SIZES)
def test_rounds_ask_for_something_and_never_for_more_than_there_is(
    pool: int, classes: int, start: int, batch: int, budget: int, rounds: int
) -> None:
    sizes = round_sizes(pool, classes, start=start, batch=batch, budget=budget, rounds=rounds)
    assert all(size > 0 for size in sizes)
    assert sum(sizes) <= min(pool, budget or pool)
    assert len(sizes) <= (rounds or pool)


def test_the_usual_rounds_are_25_of_two_per_class_or_half_of_the_pool() -> None:
    assert round_sizes(10_000, 2) == (8,) * 25
    assert round_sizes(10_000, 10) == (20,) * 25
    assert round_sizes(40, 2) == (8, 8, 4)
    assert round_sizes(40, 2, batch=1, budget=30) == (1,) * 30
    assert round_sizes(40, 2, drawn=20, batch=1, short=False) == (1,) * 20


def test_a_third_or_less_of_a_class_judges() -> None:
    assert [held_out(count) for count in (0, 1, 2, 10)] == [0, 0, 1, 3]
