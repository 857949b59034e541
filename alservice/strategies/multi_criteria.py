"""Multi-criteria: uncertainty, diversity, representativeness and cost, weighed as you like."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from alservice.core import Cancelled, Ranked
from alservice.core.clustering import nearest_centres
from alservice.domain.criteria import F64, Criteria, criteria, rank_share
from alservice.domain.pool_view import take
from alservice.domain.strategy import F32, Need, Parameter, PoolView, Selecting

_CANDIDATES: Final = Parameter(
    name="candidates",
    description="Rows of a larger pool that may be chosen, half the best scored, half drawn; or "
    "four for each asked for, if more.",
    default=10_000,
    minimum=1,
    maximum=200_000,
)
_NAMES: Final = ("uncertainty", "diversity", "representativeness", "cost")


def _weight(name: str, of: str, default: float) -> Parameter:
    return Parameter(
        name=f"w_{name}", description=f"Weight of {of}.", default=default, minimum=0, maximum=1000
    )


_WEIGHTS: Final = (
    _weight("uncertainty", "the score that is diversified", 1),
    _weight("diversity", "the distance to the nearest labelled item, leased item or pick", 1),
    _weight("representativeness", "the similarity to the mean of the pool", 1),
    _weight("cost", "a low cost", 0),
)


@dataclass(slots=True)
class _Greedy:
    """The criteria of the candidates as ranks, while picks are made."""

    found: Criteria
    weights: F64  # (4,)
    ranks: F64  # (4, n)
    apart: F32  # (n,), squared
    left: np.ndarray  # (n,), of bool
    has_anchors: bool

    def pick(self, pool: PoolView) -> tuple[int, F64, float]:
        """The best that is left, its ranks and its score; the first of equals."""
        self.ranks[1] = rank_share(self.apart)
        score = self.weights @ self.ranks
        best = int(np.argmax(np.where(self.left, score, -np.inf)))
        self.left[best] = False
        centre = self.found.vectors[best : best + 1]
        squared: F32 = nearest_centres(pool.engine, self.found.vectors, centre, pool.cancel)[1]
        self.apart = np.minimum(self.apart, squared) if self.has_anchors else squared
        self.has_anchors = True
        return best, self.ranks[:, best].copy(), float(score[best])


def select(pool: PoolView, count: int) -> Ranked:
    """Greedy: each pick has the greatest weighted mean of its ranks among the candidates.

    A rank is a share of the candidates, in (0, 1). Diversity is measured again after each pick.
    Labelled and leased items count as chosen. The parts of the score are the ranks.
    """
    cap = pool.parameters.get(_CANDIDATES.name, _CANDIDATES.default)
    found = criteria(pool, max(int(cap), 4 * count))
    greedy = _start(pool, found)
    picked: list[tuple[int, F64, float]] = []
    while len(picked) < min(count, len(found.vectors)):
        if pool.cancel is not None and pool.cancel.cancelled:
            raise Cancelled
        picked.append(greedy.pick(pool))
    order = np.array([row for row, _, _ in picked], np.int64)
    score = np.array([score for _, _, score in picked], np.float32)
    parts = np.array([ranks for _, ranks, _ in picked], np.float32).reshape(-1, len(_NAMES))
    return take(found.rows, order, score, **dict(zip(_NAMES, parts.T, strict=True)))


def _start(pool: PoolView, found: Criteria) -> _Greedy:
    weights = np.array([pool.parameters.get(p.name, p.default) for p in _WEIGHTS], np.float64)
    known = (found.uncertainty, found.apart, found.representative, -found.cost)
    return _Greedy(
        found=found,
        weights=weights / (weights.sum() or 1.0),
        ranks=np.array([rank_share(values) for values in known]),
        apart=found.apart,
        left=np.ones(len(found.vectors), np.bool_),
        has_anchors=len(pool.anchors) > 0,
    )


STRATEGY = Selecting(
    name="multi_criteria",
    version=1,
    summary="A weighted mean of uncertainty, diversity, representativeness and cost.",
    reference=(
        "Shen, Zhang, Su, Zhou & Tan, Multi-Criteria-based Active Learning for Named Entity "
        "Recognition, ACL 2004"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_CANDIDATES, *_WEIGHTS),
    scores="margin",
    greedy=True,
)
