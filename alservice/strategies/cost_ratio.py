"""Cost ratio: the most score for the money."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from alservice.core import Cancelled, Ranked
from alservice.domain.pool_view import take
from alservice.domain.shortlist import open_rows, scored
from alservice.domain.strategy import F32, Need, Parameter, PoolView, Selecting

_BUDGET: Final = Parameter(
    name="budget",
    description="What the batch may cost in all; 0: no limit.",
    default=0,
    minimum=0,
    maximum=1e12,
)
_ROWS: Final = 65_536


def select(pool: PoolView, count: int) -> Ranked:
    """The best ratios of score to cost that the budget pays for, each costlier one passed over.

    With a budget there may be fewer than `count`: then the money is spent. Where starting with
    the best single item that can be paid for gives a greater sum of scores, that is done:
    without a limit on the number, the sum is at least half of the best possible. Scores are the
    ratios; the parts are the score, the cost, and what was spent up to here.
    """
    budget = pool.parameters.get(_BUDGET.name, _BUDGET.default) or np.inf
    worth = _scores(pool)
    rows = sum(len(column) for column in worth)
    keep = rows if np.isfinite(budget) else count
    best = pool.engine.top_k(_ratios(pool, worth), pool.blocks, keep, pool.seed, pool.cancel)
    value = np.zeros(len(best.row), np.float32)
    for number, column in enumerate(worth):
        at = best.block == number
        value[at] = column[best.row[at]]
    cost = pool.costs_of(best)
    order = np.array(_guarded(value, cost, budget, count), np.int64)
    parts = {scored(pool).name: value[order], "cost": cost[order]}
    spent = np.cumsum(cost[order], dtype=np.float64).astype(np.float32)
    return take(best, order, best.score[order], **parts, spent=spent)


def _guarded(value: F32, cost: F32, budget: float, count: int) -> list[int]:
    """The greedy batch, or the one that starts with the best single item, if that is better."""
    greedy = _greedy(cost, budget, count)
    payable = np.flatnonzero(cost <= budget)
    if np.isinf(budget) or not count or not len(payable):
        return greedy
    best = int(payable[np.argmax(value[payable])])
    rest = _greedy(cost, budget - float(cost[best]), count - 1, without=best)
    return max(greedy, [best, *rest], key=lambda rows: float(value[rows].sum(dtype=np.float64)))


def _greedy(cost: F32, budget: float, count: int, without: int = -1) -> list[int]:
    """The first `count` rows in order that can be paid for."""
    picked: list[int] = []
    left, start = budget, 0
    while len(picked) < count:
        payable = np.flatnonzero(cost[start:] <= left)
        payable = payable[payable + start != without]
        if not len(payable):
            break
        start += int(payable[0])
        picked.append(start)
        left -= float(cost[start])
        start += 1
    return picked


def _ratios(pool: PoolView, worth: list[F32]) -> list[F32]:
    return [
        column if cost is None else np.asarray(column / cost, np.float32)
        for column, cost in zip(worth, pool.costs or [None] * len(worth), strict=True)
    ]


def _scores(pool: PoolView) -> list[F32]:
    """The score (n_i,) of each row, not divided by any cost; 0 where it is excluded."""
    columns = []
    for number, block in enumerate(pool.blocks):
        column = np.zeros(len(block.id_hash), np.float32)
        for rows in _parts(open_rows(block)):
            if pool.cancel is not None and pool.cancel.cancelled:
                raise Cancelled
            vectors = pool.engine.gather(pool.blocks, np.full(len(rows), number, np.int64), rows)
            column[rows] = scored(pool).of(vectors)
        columns.append(column)
    return columns


def _parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), _ROWS):
        yield rows[start : start + _ROWS]


STRATEGY = Selecting(
    name="cost_ratio",
    version=1,
    summary="The most score for the money, within a budget.",
    reference=(
        "Leskovec, Krause, Guestrin, Faloutsos, VanBriesen & Glance, Cost-effective Outbreak "
        "Detection in Networks, KDD 2007; Haertel, Seppi, Ringger & Carroll, Return on Investment "
        "for Active Learning, NIPS Workshop on Cost-Sensitive Learning 2008"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_BUDGET,),
    scores="margin",
    fills=False,
)
