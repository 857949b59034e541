"""Facility location: every item served by the most similar of the chosen."""

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


def select(pool: PoolView, count: int) -> Ranked:
    """Greedy maximisation of the mean over the pool of max(0, cosine to the chosen).

    At least 1 - 1/e of the best possible among the candidates, on the sample: of a pool of more
    than `rows` both are parts. Scores are the gain in that mean. Labelled and leased items count
    as chosen.
    """
    cap, few = (pool.parameters.get(p.name, p.default) for p in (_ROWS, _CANDIDATES))
    where = uniform_stage(pool, int(cap), max(int(few), 4 * count))
    index, gain = herded(pool, where, where.weights, "dot", 1.0, count)
    return take(where.rows, index, gain, gain=gain)


STRATEGY = Selecting(
    name="facility_location",
    version=1,
    summary="Make every item similar to one that is labelled or asked about.",
    reference=(
        "Nemhauser, Wolsey & Fisher, An Analysis of Approximations for Maximizing Submodular Set "
        "Functions, Mathematical Programming 14, 1978; Wei, Iyer & Bilmes, Submodularity in Data "
        "Subset Selection and Active Learning, ICML 2015"
    ),
    select=select,
    parameters=(_ROWS, _CANDIDATES),
    greedy=True,
)
