"""Ranked batches: novelty counts most while labels are few, the score once they are many."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.core.clustering import nearest_centres, neighbours
from alservice.domain.pool_view import F32, PoolView, take
from alservice.domain.shortlist import open_count, scored
from alservice.domain.strategy import Need, Selecting

#: Candidates: so many for each item asked for, within these bounds.
_RATIO: Final = 20
_LEAST: Final = 1_000
_MOST: Final = 20_000
#: Rows among which the usual distance to a nearest neighbour is measured.
_SCALE_ROWS: Final = 1_000


def select(pool: PoolView, count: int) -> Ranked:
    """Greedily pick the greatest a (1 - 1 / (1 + d)) + (1 - a) s among the best-scored.

    d is the distance to the nearest labelled item, leased item or earlier pick, over the median
    distance to a nearest neighbour in the pool; s the score that it diversifies; a the share of
    the items that are neither labelled, leased nor picked.
    """
    scores = scored(pool)
    rows = scores.top(max(min(max(_RATIO * count, _LEAST), _MOST), 2 * count))
    count = min(count, len(rows.row))
    if not count:
        return pool.sample(0)
    vectors, scale = pool.vectors(rows), _usual_distance(pool)
    distance = _distance(pool, vectors, pool.anchors)
    left, taken = open_count(pool.blocks), len(pool.anchors)
    picks, score, novelty = np.empty(count, np.int64), np.empty(count), np.empty(count)
    free = np.ones(len(vectors), np.bool_)
    for at in range(count):
        share = (left - at) / (left + taken)
        new = 1 - 1 / (1 + distance / scale)
        merit = np.where(free, share * new + (1 - share) * rows.score, -np.inf)
        best = int(np.argmax(merit))
        picks[at], score[at], novelty[at] = best, merit[best], new[best]
        free[best] = False
        distance = np.minimum(distance, _distance(pool, vectors, vectors[best : best + 1]))
    parts = {scores.name: rows.score[picks], "novelty": novelty.astype(np.float32)}
    return take(rows, picks, score.astype(np.float32), **parts)


def _distance(pool: PoolView, vectors: F32, centres: F32) -> NDArray[np.float64]:
    """Euclidean, to the nearest of the centres; infinite where there is none."""
    if not len(centres):
        return np.full(len(vectors), np.inf)
    _, squared = nearest_centres(pool.engine, vectors, centres, pool.cancel)
    return np.sqrt(squared.astype(np.float64))


def _usual_distance(pool: PoolView) -> float:
    """The median distance to the nearest other vector, on a uniform sample; else 1."""
    vectors = pool.vectors(pool.sample(_SCALE_ROWS))
    if len(vectors) < 2:
        return 1.0
    _, squared = neighbours(pool.engine, vectors, vectors, 2, pool.cancel)
    apart = squared[:, 1][squared[:, 1] > 0]
    return float(np.median(np.sqrt(apart.astype(np.float64)))) if len(apart) else 1.0


STRATEGY = Selecting(
    name="ranked_batch",
    version=1,
    summary="Unlike what is labelled while labels are few; by score once they are many.",
    reference=(
        "Cardoso et al., Ranked batch-mode active learning, Information Sciences 379, 2017"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    scores="margin",
)
