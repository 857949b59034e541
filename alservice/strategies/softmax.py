"""Softmax sampling: draw in proportion to the exponential of the score."""

from typing import Final

import numpy as np

from alservice.core import Ranked
from alservice.domain.gumbel import draw
from alservice.domain.shortlist import scored
from alservice.domain.strategy import Need, Parameter, PoolView, Selecting

_BETA: Final = Parameter(
    name="beta",
    description=(
        "The inverse temperature. 0 draws uniformly; the greater, the more like taking the best."
    ),
    default=1.0,
    minimum=0.0,
    maximum=1_000.0,
)


def select(pool: PoolView, count: int) -> Ranked:
    """Draws without replacement in proportion to exp(beta * score).

    The part "propensity" is the probability of each pick among all that were left.
    """
    beta = pool.parameters.get(_BETA.name, _BETA.default)
    scores = scored(pool).every()
    return draw(pool, [beta * column.astype(np.float64) for column in scores], scores, count)


STRATEGY = Selecting(
    name="softmax",
    version=1,
    summary="A draw that favours high scores by their differences, not by their ratios.",
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
