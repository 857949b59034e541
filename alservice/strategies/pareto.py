"""Pareto fronts: items that no other item beats in every respect."""

from typing import Final

import numpy as np

from alservice.core import Cancelled, Ranked
from alservice.domain.criteria import F64, criteria, rank_share
from alservice.domain.pool_view import take
from alservice.domain.strategy import Need, Parameter, PoolView, Selecting

_CANDIDATES: Final = Parameter(
    name="candidates",
    description="Rows of a larger pool that may be chosen, half the best scored, half drawn; or "
    "four for each asked for, if more.",
    default=5_000,
    minimum=1,
    maximum=100_000,
)
_NAMES: Final = ("uncertainty", "diversity", "representativeness", "cost")


def select(pool: PoolView, count: int) -> Ranked:
    """Front after front; within one, the items with the emptiest surroundings first.

    The criteria are the score, the distance to the nearest labelled or leased item, the
    similarity to the mean of the pool, and a low cost, each as its rank in (0, 1). Scores are 1
    on the first front, 1/2 on the second, 1/3 on the third.
    """
    cap = pool.parameters.get(_CANDIDATES.name, _CANDIDATES.default)
    found = criteria(pool, max(int(cap), 4 * count))
    known = (found.uncertainty, found.apart, found.representative, -found.cost)
    values = np.array([rank_share(column) for column in known]).T
    order: list[int] = []
    level: list[int] = []
    for number, front in enumerate(fronts(values, pool), 1):
        spread = crowding(values[front])
        ordered = front[np.argsort(-spread, kind="stable")]
        order += ordered.tolist()
        level += [number] * len(ordered)
    best = np.array(order[:count], np.int64)
    parts = dict(zip(_NAMES, values[best].astype(np.float32).T, strict=True))
    score = np.asarray(1 / np.array(level[:count], np.float64), np.float32)
    return take(found.rows, best, score, **parts)


def fronts(values: F64, pool: PoolView) -> list[np.ndarray]:
    """The rows of (n, k), more being better, as fronts of indices, ascending within each.

    A row is on the first front where no row beats it: is as good in all columns and better in
    one. Rows are taken in descending lexicographic order, so that none beats an earlier one, and
    the front is found by bisection (Zhang, Tian, Cheng & Jin, IEEE TEVC 19, 2015).
    """
    order = np.lexsort((np.arange(len(values)), *(-values.T[::-1])))
    found: list[_Front] = []
    for done, row in enumerate(order.tolist()):
        if done % 256 == 0 and pool.cancel is not None and pool.cancel.cancelled:
            raise Cancelled
        low, high = 0, len(found)
        while low < high:
            middle = (low + high) // 2
            if found[middle].beats(values[row]):
                low = middle + 1
            else:
                high = middle
        if low == len(found):
            found.append(_Front(values.shape[1]))
        found[low].add(row, values[row])
    return [np.sort(np.array(front.rows, np.int64)) for front in found]


class _Front:
    """Rows none of which beats another, with room to grow."""

    def __init__(self, columns: int) -> None:
        self.rows: list[int] = []
        self._values = np.empty((16, columns))

    def add(self, row: int, values: F64) -> None:
        """One more row."""
        if len(self.rows) == len(self._values):
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
        self._values[len(self.rows)] = values
        self.rows.append(row)

    def beats(self, values: F64) -> bool:
        """Whether one of the rows beats these values."""
        mine = self._values[: len(self.rows)]
        return bool(((mine >= values).all(axis=1) & (mine > values).any(axis=1)).any())


def crowding(values: F64) -> F64:
    """How empty it is around each row (n,) of one front (n, k); infinite at the ends.

    The sum over columns of the gap between its neighbours, over the column's range (Deb, Pratap,
    Agarwal & Meyarivan, IEEE TEVC 6, 2002). A column with one value only says nothing.
    """
    spread = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        ranked = column[order]
        if ranked[0] == ranked[-1]:
            continue
        spread[order[[0, -1]]] = np.inf
        spread[order[1:-1]] += (ranked[2:] - ranked[:-2]) / (ranked[-1] - ranked[0])
    return spread


STRATEGY = Selecting(
    name="pareto",
    version=1,
    summary="No other item is more uncertain, more novel, more typical and cheaper at once.",
    reference=(
        "Deb, Pratap, Agarwal & Meyarivan, A Fast and Elitist Multiobjective Genetic Algorithm: "
        "NSGA-II, IEEE Transactions on Evolutionary Computation 6, 2002"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_CANDIDATES,),
    scores="margin",
    greedy=True,
)
