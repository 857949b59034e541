"""MaxDet: ask about items that are uncertain in as many different directions as possible."""

from typing import Final

from alservice.core import Ranked
from alservice.core.design import max_det
from alservice.domain.fisher import information
from alservice.domain.pool_view import take
from alservice.domain.strategy import Need, Parameter, PoolView, Selecting

_CANDIDATES: Final = Parameter(
    name="candidates",
    description="Rows of a larger pool that may be chosen, half the best scored, half drawn; or "
    "four for each asked for, if more.",
    default=100_000,
    minimum=1,
    maximum=200_000,
)


def select(pool: PoolView, count: int) -> Ranked:
    """Greedy maximisation of log det M, M the information of all that is labelled or picked.

    The most likely batch of a determinantal point process, greedily. Scores are the growth
    ln(1 + w x' M^-1 x) with w = p (1 - p) of the likeliest class. Leased items count as labelled.
    """
    cap = pool.parameters.get(_CANDIDATES.name, _CANDIDATES.default)
    known = information(pool, max(int(cap), 4 * count))
    if known is None or not count:
        return pool.sample(0)
    index, gain = max_det(
        pool.engine, known.vectors, known.weights, known.inverse, count, pool.cancel
    )
    return take(known.rows, index, gain, growth=gain, uncertainty=known.weights[index])


STRATEGY = Selecting(
    name="max_det",
    version=1,
    summary="Uncertain items that point in as many directions as possible.",
    reference=(
        "Fedorov, Theory of Optimal Experiments, Academic Press 1972; Chen, Zhang & Zhou, Fast "
        "Greedy MAP Inference for Determinantal Point Process, NeurIPS 2018"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_CANDIDATES,),
    scores="margin",
    shortlists=True,
    greedy=True,
)
