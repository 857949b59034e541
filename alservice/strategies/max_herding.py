"""MaxHerding: ask about the items that stand for as many others as possible."""

from typing import Final

from alservice.core import Ranked
from alservice.domain.herding import herded, uniform_stage
from alservice.domain.pool_view import take
from alservice.domain.strategy import Parameter, PoolView, Selecting

_ROWS: Final = Parameter(
    name="rows",
    description="Rows that stand for a larger pool; fewer beside more than some 1,200 labels.",
    default=20_000,
    minimum=1,
    maximum=200_000,
)
_CANDIDATES: Final = Parameter(
    name="candidates",
    description="Rows of a larger pool that may be chosen; or four for each asked for, if more.",
    default=5_000,
    minimum=1,
    maximum=200_000,
)
_SCALE: Final = Parameter(
    name="scale",
    description="Bandwidth of the Gaussian kernel, as a distance between unit vectors.",
    default=1.0,
    minimum=0.001,
    maximum=100.0,
)


def select(pool: PoolView, count: int) -> Ranked:
    """Greedy maximisation of the mean over the pool of max k(x, chosen), k a Gaussian.

    Scores are the gain in that mean. Labelled and leased items count as chosen.
    """
    cap, few, scale = (
        pool.parameters.get(p.name, p.default) for p in (_ROWS, _CANDIDATES, _SCALE)
    )
    where = uniform_stage(pool, int(cap), max(int(few), 4 * count))
    index, gain = herded(pool, where, where.weights, "rbf", scale, count)
    return take(where.rows, index, gain, gain=gain)


STRATEGY = Selecting(
    name="max_herding",
    version=1,
    summary="Stand for the most items that no labelled one stands for yet.",
    reference=(
        "Bae, Noh & Sutherland, Generalized Coverage for More Robust Low-Budget Active Learning, "
        "ECCV 2024"
    ),
    select=select,
    parameters=(_ROWS, _CANDIDATES, _SCALE),
    greedy=True,
)
