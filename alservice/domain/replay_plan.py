"""How a replay of labelled data is cut into rounds: known before anything is played."""

from typing import Final

_TEST_SHARE: Final = 0.3
_LARGEST_BATCH: Final = 1000


def held_out(count: int) -> int:
    """How many of a class's `count` items judge, where nobody says which."""
    return round(_TEST_SHARE * count)


def round_sizes(
    pool_size: int,
    class_count: int,
    *,
    drawn: int = 0,
    start: int = 0,
    batch: int = 0,
    budget: int = 0,
    rounds: int = 0,
    short: bool = True,
) -> tuple[int, ...]:
    """The sizes of the batches of one replay, in order; 0 means the usual.

    Without a word on it a batch has two items per class (at least 8; one per class where there
    are many), the first one is like the others, and the budget is 25 batches or half of the pool;
    the whole pool where that is not to be `short`.
    """
    left = pool_size - drawn
    usual = max(8, min(2 * class_count, max(20, class_count)))
    batch = batch or min(usual, _LARGEST_BATCH, max(1, left // 4))
    spendable = budget - drawn if budget else left
    if short and not (budget or rounds):
        spendable = min(25 * batch, left // 2)
    sizes: list[int] = []
    spent = 0
    most = rounds or pool_size
    while spent < min(spendable, left) and len(sizes) < most:
        wanted = start if not sizes and start else batch
        size = min(wanted, min(spendable, left) - spent)
        sizes.append(size)
        spent += size
    return tuple(sizes)
