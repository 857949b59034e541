"""TypiClust: ask about the most typical item of each cluster that nothing is known about."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.core.clustering import neighbours
from alservice.domain.clusters import MOST, Clusters, clusters
from alservice.domain.distinct import distinct_rows
from alservice.domain.pool_index import PoolIndex
from alservice.domain.pool_view import F32, I64, PoolView, take
from alservice.domain.strategy import Parameter, Selecting
from alservice.domain.turns import turns

_ROWS: Final = Parameter(
    name="rows",
    description="Open rows drawn for the clustering.",
    default=50_000,
    minimum=1_000,
    maximum=200_000,
)
_SMALL: Final = 5
_NEAREST: Final = 20
#: Within larger clusters, typicality is measured among a uniform sample of so many rows.
_MEMBERS: Final = 2_048
_TINY: Final = float(np.finfo(np.float32).tiny)


def select(pool: PoolView, count: int) -> Ranked:
    """Cluster open rows with the anchors, equal vectors counted once; then clusters take turns.

    Those with the fewest labelled or leased items lead, larger before smaller; clusters of at
    most 5 have a turn only when all others are used up. A turn picks the row that is most
    typical: one over the mean distance to its nearest min(20, half of the cluster's) rows. Where
    the neighbours of the whole pool are known, they are those of the pool. Scores are these.
    """
    most = int(pool.parameters.get(_ROWS.name, _ROWS.default))
    drawn = pool.sample(max(most, count))
    if not count or not len(drawn.row):
        return pool.sample(0)
    rows, vectors = distinct_rows(pool, drawn)
    held = pool.anchors[-most:]
    found = clusters(pool, vectors, held, min(len(held) + count, MOST))
    picks, score, cluster = _most_typical(pool, rows, vectors, found, _dealt(found, count))
    size = (found.size + found.held)[cluster].astype(np.float32)
    return take(rows, picks, score, typicality=score, cluster_size=size)


def _dealt(found: Clusters, count: int) -> I64:
    """The cluster of each pick, in the order of picking."""
    size = found.size + found.held
    order = np.lexsort((-size, found.held))
    large = order[size[order] > _SMALL]
    small = order[size[order] <= _SMALL]
    first = large[turns(found.size[large], count)[0]]
    rest = small[turns(found.size[small], count - len(first))[0]]
    return np.concatenate([first, rest])


def _most_typical(
    pool: PoolView, rows: Ranked, vectors: F32, found: Clusters, dealt: I64
) -> tuple[I64, F32, I64]:
    """For every turn dealt to a cluster, its next most typical member: row, typicality."""
    picks, scores = np.empty(len(dealt), np.int64), np.empty(len(dealt), np.float32)
    for cluster in np.unique(dealt):
        members = found.member[found.start[cluster] :][: found.size[cluster]]
        nearest = min(_NEAREST, len(members) // 2)
        members = np.sort(members)
        if pool.index is not None:
            typicality = _in_pool(pool.index, rows, members, nearest)
        else:
            typicality = _in_cluster(pool, vectors[members[:_MEMBERS]], nearest)
        typicality = np.pad(typicality, (0, len(members) - len(typicality)))
        at = dealt == cluster
        order = np.argsort(-typicality, kind="stable")[: at.sum()]
        picks[at], scores[at] = members[order], typicality[order]
    return picks, scores, dealt


def _in_cluster(pool: PoolView, members: F32, nearest: int) -> NDArray[np.float64]:
    """Typicality (n,) among each other; 0 for one alone."""
    nearest = min(nearest, len(members) // 2)
    if not nearest:
        return np.zeros(len(members))
    _, squared = neighbours(pool.engine, members, members, nearest + 1, pool.cancel)
    # The nearest is the row itself, at distance 0.
    return _inverse(np.sqrt(squared[:, 1:].astype(np.float64)).mean(axis=1))


def _in_pool(index: PoolIndex, rows: Ranked, members: I64, nearest: int) -> NDArray[np.float64]:
    """Typicality (n,) among all of the pool; 0 where no neighbour is known.

    Copies are left out, near-duplicates too: many of one item do not make it typical.
    """
    number = index.numbers(rows.block[members], rows.row[members])
    distance = index.distances[number].astype(np.float64)
    known = (distance > 0) & np.isfinite(distance)
    known &= index.duplicate_of[index.neighbours[number]] != index.duplicate_of[number][:, None]
    used = known & (np.cumsum(known, axis=1) <= max(nearest, 1))
    total, count = np.where(used, distance, 0.0).sum(axis=1), used.sum(axis=1)
    return np.where(count > 0, _inverse(total / np.maximum(count, 1)), 0.0)


def _inverse(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / np.maximum(distance, _TINY)


STRATEGY = Selecting(
    name="typiclust",
    version=1,
    summary="The most typical item of each cluster that has no label yet.",
    reference=(
        "Hacohen, Dekel & Weinshall, Active Learning on a Budget: Opposite Strategies Suit High "
        "and Low Budgets, ICML 2022"
    ),
    select=select,
    parameters=(_ROWS,),
    uses_index=True,
)
