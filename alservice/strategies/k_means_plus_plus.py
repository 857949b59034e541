"""k-means++: draw items with odds that grow with their distance from all chosen before."""

from typing import Final

import numpy as np

from alservice.core import Ranked
from alservice.core.clustering import k_means_plus_plus
from alservice.domain.pool_view import PoolView, take
from alservice.domain.shortlist import open_count
from alservice.domain.strategy import Selecting

_ROWS: Final = 100_000


def select(pool: PoolView, count: int) -> Ranked:
    """D² sampling among a uniform sample of the pool; labelled and leased items are centres.

    Scores are the probabilities with which the rows were drawn, at the time of drawing.
    """
    rows = pool.sample(_ROWS)
    if not count or not len(rows.row):
        return pool.sample(0)
    vectors = pool.vectors(rows)
    anchors = pool.anchors if len(pool.anchors) else np.zeros((0, vectors.shape[1]), np.float32)
    picks, probability = k_means_plus_plus(
        pool.engine, vectors, None, anchors, count, pool.seed, pool.cancel
    )
    if open_count(pool.blocks) > len(rows.row):  # the odds among a sample are none in the pool
        return take(rows, picks, probability)
    return take(rows, picks, probability, propensity=probability)


STRATEGY = Selecting(
    name="k_means_plus_plus",
    version=1,
    summary="Random, but far from what is labelled more often than near to it.",
    reference="Arthur & Vassilvitskii, k-means++: The Advantages of Careful Seeding, SODA 2007",
    select=select,
    greedy=True,
)
