"""Rows in clusters that share a batch: one of each, and none twice for what others hold.

Vectors that others hold (labelled, or leased to them) are clustered with the rows, and their
cluster has had its turn. With a cluster for each of them, many who ask one after the other get
what one batch for all of them would hold.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from alservice.core.clustering import k_means
from alservice.domain.pool_view import F32, I64, PoolView
from alservice.domain.turns import turns

#: Beyond, several rows come from one cluster: k-means takes time in proportion to clusters.
MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Clusters that have at least one row.

    Each has its rows, (n,) over all clusters, in `member[start:start + size]`: first the one
    nearest to the centre, then the others in the order in which they came.
    """

    member: I64
    start: I64
    size: I64
    held: I64  # how many of the held vectors lie in it

    def serve(self, order: I64, count: int) -> tuple[I64, I64]:
        """Pick up to `count` rows by turns of the clusters in this order; also their clusters."""
        group, place = turns(self.size[order], count, self.held[order])
        cluster = order[group]
        return self.member[self.start[cluster] + place], cluster


def cluster_count(count: int, held: int) -> int:
    """A cluster for each of the rows asked for and each held, while they are not too many."""
    return min(count + held, MOST)


def leased(pool: PoolView) -> F32:
    """Those of the anchors that have no class yet, (m, d): others are being asked about them."""
    return pool.anchors[pool.anchor_classes < 0]


def clusters(
    pool: PoolView, vectors: F32, held: F32, k: int, weights: F32 | None = None
) -> Clusters:
    """Cluster the rows `vectors` (n, d), n >= 1, and `held` (m, d) by k-means.

    The held weigh as much as the mean row. All weights 0 count as all equal.
    """
    n = len(vectors)
    points = np.concatenate([vectors, held]) if len(held) else vectors
    if weights is not None:
        usual = np.full(len(held), weights.mean(), np.float32)
        weights = np.concatenate([weights, usual]) if weights.any() else None
    k = min(k, len(points))
    found = k_means(pool.engine, points, weights, k, pool.seed, cancel=pool.cancel)
    return _grouped(found.assignment[:n], found.squared[:n], found.assignment[n:], k)


def _grouped(of: np.ndarray, squared: F32, held_in: np.ndarray, k: int) -> Clusters:
    size = np.bincount(of, minlength=k)
    some = np.flatnonzero(size)
    start = np.cumsum(size[some]) - size[some]
    later = np.ones(len(of), np.bool_)
    later[np.lexsort((squared, of))[start]] = False
    return Clusters(
        member=np.lexsort((later, of)).astype(np.int64),
        start=start.astype(np.int64),
        size=size[some].astype(np.int64),
        held=np.bincount(held_in, minlength=k)[some].astype(np.int64),
    )
