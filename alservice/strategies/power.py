"""Power sampling: draw in proportion to a power of the score, instead of taking the best."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.domain.gumbel import draw
from alservice.domain.shortlist import scored
from alservice.domain.strategy import F32, Need, Parameter, PoolView, Selecting

_BETA: Final = Parameter(
    name="beta",
    description="The power. 0 draws uniformly; the greater, the more like taking the best.",
    default=1.0,
    minimum=0.0,
    maximum=1_000.0,
)


def select(pool: PoolView, count: int) -> Ranked:
    """Draws without replacement in proportion to score ** beta; scores of 0 come last.

    The part "propensity" is the probability of each pick among all that were left.
    """
    beta = pool.parameters.get(_BETA.name, _BETA.default)
    scores = scored(pool).every()
    return draw(pool, [_log_power(column, beta) for column in scores], scores, count)


def _log_power(scores: F32, beta: float) -> NDArray[np.float64]:
    positive = scores > 0
    logs = np.log(np.where(positive, scores, 1).astype(np.float64))
    return np.where(positive, beta * logs, -np.inf)


STRATEGY = Selecting(
    name="power",
    version=1,
    summary="A draw that favours high scores, so that a batch does not ask the same thing twice.",
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
