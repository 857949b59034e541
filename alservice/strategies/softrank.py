"""Softrank sampling: draw by the rank of the score, whatever its scale."""

from typing import Final

import numpy as np

from alservice.core import Ranked
from alservice.domain.gumbel import draw
from alservice.domain.shortlist import scored
from alservice.domain.strategy import Need, Parameter, PoolView, Selecting

_BETA: Final = Parameter(
    name="beta",
    description=(
        "The power of the rank. 0 draws uniformly; the greater, the more like taking the best."
    ),
    default=1.0,
    minimum=0.0,
    maximum=1_000.0,
)


def select(pool: PoolView, count: int) -> Ranked:
    """Draws without replacement in proportion to rank ** -beta, the best having rank 1.

    Equal scores rank by the keyed hash of their ids. The part "propensity" is the probability of
    each pick among all that were left.
    """
    beta = pool.parameters.get(_BETA.name, _BETA.default)
    scores = scored(pool).every()
    rows = sum(len(column) for column in scores)
    ranked = pool.engine.top_k(scores, pool.blocks, rows, pool.seed, pool.cancel)
    weights = [np.full(len(column), -np.inf) for column in scores]
    logs = -beta * np.log(np.arange(1, len(ranked.row) + 1, dtype=np.float64))
    for number, column in enumerate(weights):
        at = ranked.block == number
        column[ranked.row[at]] = logs[at]
    return draw(pool, weights, scores, count)


STRATEGY = Selecting(
    name="softrank",
    version=1,
    summary="A draw that favours high ranks, whatever the scale of the score.",
    reference=(
        "Kirsch, Farquhar, Atighehchian, Jesson, Branchaud-Charron & Gal, Stochastic Batch "
        "Acquisition: A Simple Baseline for Deep Active Learning, TMLR 2023"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_BETA,),
    scores="margin",
    greedy=True,
)
