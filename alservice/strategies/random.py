"""Random sampling: the baseline every other strategy has to beat."""

from alservice.core import Ranked
from alservice.domain.strategy import PoolView, Selecting


def select(pool: PoolView, count: int) -> Ranked:
    """A uniform sample without replacement: the rows with the smallest hash keyed by the seed."""
    return pool.sample(count)


STRATEGY = Selecting(
    name="random",
    version=1,
    summary="A uniform sample of the pool.",
    reference="Cochran, Sampling Techniques, 3rd edition, Wiley 1977",
    select=select,
    needs=frozenset(),
)
