"""k-center: ask about items that lie far from everything asked about so far."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from alservice.core import Ranked, keyed_hash
from alservice.core.clustering import nearest_centres
from alservice.domain.pool_view import F32, I64, PoolView
from alservice.domain.shortlist import open_rows
from alservice.domain.strategy import Parameter, Selecting

_QUANTILE: Final = Parameter(
    name="outlier_quantile",
    description=(
        "Items farther from what is chosen than this share of the open items are passed over "
        "while others are left; 1 passes over none."
    ),
    default=1.0,
    minimum=0.5,
    maximum=1.0,
)


def select(pool: PoolView, count: int) -> Ranked:
    """Greedy farthest-first traversal: at most twice the optimal covering radius.

    Labelled items and those leased to others count as chosen. Scores are Euclidean distances
    to the nearest of these and of the earlier picks.
    """
    quantile = pool.parameters.get(_QUANTILE.name, _QUANTILE.default)
    if quantile < 1:
        return _without_outliers(pool, count, quantile)
    anchors = pool.anchors if pool.nearest is None else pool.anchors[pool.labelled :]
    if not len(anchors):
        anchors = np.zeros((0, _dimension(pool)), np.float32)
    return pool.engine.k_center(pool.blocks, anchors, count, pool.seed, pool.cancel, pool.nearest)


def _every_row_counts(parameters: Mapping[str, float]) -> bool:
    """Chosen in two rounds, the covering radius is at most four times the optimal one.

    Greedy in each part covers it within twice the optimal radius, and greedy among the parts'
    picks covers these within twice the optimal radius (Malkomes et al., NeurIPS 2015). Where
    outliers are passed over, neither holds.
    """
    return parameters.get(_QUANTILE.name, _QUANTILE.default) >= 1


def _dimension(pool: PoolView) -> int:
    return pool.blocks[0].vectors.shape[1] if pool.blocks else 0


def _without_outliers(pool: PoolView, count: int, quantile: float) -> Ranked:
    """The same, but each pick is the farthest that is no farther than that share of the rest.

    One pass over the pool per pick, and one per batch that measures the distances to all anchors
    anew: nothing is kept between rounds. Without anchors the first pick is the smallest keyed
    hash.
    """
    starts = np.cumsum([0, *(len(b.id_hash) for b in pool.blocks)])
    open_ = np.zeros(starts[-1], np.bool_)
    for start, block in zip(starts, pool.blocks, strict=False):
        open_[start + open_rows(block)] = True
    hashes = [keyed_hash(block.id_hash, pool.seed) for block in pool.blocks]
    tie = np.concatenate([*hashes, np.zeros(0, np.uint64)])
    squared = _nearer(pool, np.full(starts[-1], np.inf, np.float32), pool.anchors)
    picks, scores = [], []
    for _ in range(min(count, int(open_.sum()))):
        left = np.flatnonzero(open_)
        pick = _farthest(left, squared, tie, quantile)
        open_[pick] = False
        number = int(np.searchsorted(starts, pick, side="right")) - 1
        picks.append((number, pick - int(starts[number])))
        scores.append(squared[pick] if np.isfinite(squared[pick]) else 0.0)
        at = np.array([picks[-1]], np.int64)
        squared = _nearer(pool, squared, pool.engine.gather(pool.blocks, at[:, 0], at[:, 1]))
    places = np.array(picks, np.int64).reshape(-1, 2)
    score = np.sqrt(np.array(scores, np.float32))
    return Ranked(places[:, 0].copy(), places[:, 1].copy(), score)


def _farthest(left: I64, squared: F32, tie: np.ndarray, quantile: float) -> int:
    """Of these rows, the farthest within the quantile; of equals the smallest keyed hash."""
    distance = squared[left]
    within = int(quantile * (len(left) - 1))
    farthest = left[distance == np.partition(distance, within)[within]]
    return int(farthest[np.argmin(tie[farthest])])


def _nearer(pool: PoolView, squared: F32, centres: F32) -> F32:
    """Squared distances (n,) over all blocks, these centres counted too."""
    if not len(centres) or not len(squared):
        return squared
    new = [nearest_centres(pool.engine, b.vectors, centres, pool.cancel)[1] for b in pool.blocks]
    return np.minimum(squared, np.concatenate(new))


STRATEGY = Selecting(
    name="k_center",
    version=1,
    summary="Far from every item that is labelled or being labelled: covers the pool.",
    reference=(
        "Gonzalez, Clustering to Minimize the Maximum Intercluster Distance, TCS 38, 1985; "
        "Sener & Savarese, Active Learning for Convolutional Neural Networks, ICLR 2018"
    ),
    select=select,
    parameters=(_QUANTILE,),
    greedy=True,
    uses_nearest=True,
    two_rounds=_every_row_counts,
)
