"""k-center: ask about items that lie far from everything asked about so far."""

from alservice.core import Ranked
from alservice.domain.strategy import PoolView, Selecting


def select(pool: PoolView, count: int) -> Ranked:
    """Greedy farthest-first traversal: at most twice the optimal covering radius.

    Labelled items and those leased to others count as chosen. Scores are Euclidean distances
    to the nearest of these and of the earlier picks.
    """
    return pool.engine.k_center(pool.blocks, pool.anchors, count, pool.seed, pool.cancel)


STRATEGY = Selecting(
    name="k_center",
    version=1,
    summary="Far from every item that is labelled or being labelled: covers the pool.",
    reference=(
        "Gonzalez, Clustering to Minimize the Maximum Intercluster Distance, TCS 38, 1985; "
        "Sener & Savarese, Active Learning for Convolutional Neural Networks, ICLR 2018"
    ),
    select=select,
)
