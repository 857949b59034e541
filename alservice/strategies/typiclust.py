"""TypiClust: ask about the most typical item of each cluster that nothing is known about."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.core.clustering import nearest_within
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
    asked = np.unique(dealt)
    groups = [
        np.sort(found.member[start : start + size])
        for start, size in zip(found.start[asked], found.size[asked], strict=True)
    ]
    picks, scores = np.empty(len(dealt), np.int64), np.empty(len(dealt), np.float32)
    for cluster, members, known in zip(
        asked, groups, _typicality(pool, rows, vectors, groups), strict=True
    ):
        typicality = np.pad(known, (0, len(members) - len(known)))
        at = dealt == cluster
        order = np.argsort(-typicality, kind="stable")[: at.sum()]
        picks[at], scores[at] = members[order], typicality[order]
    return picks, scores, dealt


def _typicality(
    pool: PoolView, rows: Ranked, vectors: F32, groups: list[I64]
) -> list[NDArray[np.float64]]:
    """Typicality of the members of each group, or of the first so many of them."""
    if pool.index is not None:
        index = pool.index
        return [_in_pool(index, rows, group, _nearest(len(group))) for group in groups]
    return _in_clusters(pool, vectors, [group[:_MEMBERS] for group in groups])


def _nearest(size: int) -> int:
    return min(_NEAREST, size // 2)


def _in_clusters(pool: PoolView, vectors: F32, groups: list[I64]) -> list[NDArray[np.float64]]:
    """Typicality among each other; 0 for one alone."""
    sizes = np.array([len(group) for group in groups], np.int64)
    most, members = _nearest(int(sizes.max(initial=0))), np.concatenate(groups)
    gaps = nearest_within(pool.engine, vectors, members, sizes, most, pool.cancel)
    return [
        _inverse(np.sqrt(own[:, : _nearest(len(own))].astype(np.float64)).mean(axis=1))
        if len(own) > 1
        else np.zeros(len(own))
        for own in np.split(gaps, np.cumsum(sizes)[:-1])
    ]


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
