"""Cluster-Margin: the best-scored items, dealt out over clusters of the pool, small ones first."""

from typing import Final

import numpy as np

from alservice.core import Ranked
from alservice.core.clustering import k_means, nearest_centres
from alservice.domain.clusters import MOST, leased
from alservice.domain.distinct import distinct_rows
from alservice.domain.pool_view import F32, I64, PoolView, take
from alservice.domain.shortlist import scored
from alservice.domain.strategy import Need, Parameter, Selecting
from alservice.domain.turns import turns

_RATIO: Final = Parameter(
    name="ratio",
    description="How many of the best-scored items to deal from, for each item asked for.",
    default=10,
    minimum=1,
    maximum=100,
)
#: Without clusters made before: one for so many rows, found among so many for each of them.
_CLUSTER_ROWS: Final = 100
_FITTED_ROWS: Final = 32
_ITERATIONS: Final = 10


def select(pool: PoolView, count: int) -> Ranked:
    """Rounds over the clusters of the best-scored, smallest first, each giving its best row.

    A cluster's size is that among the best-scored, equal vectors counted once; one that holds
    items leased to others sits out a round for each. Scores are those it diversifies.
    """
    scores = scored(pool)
    held = leased(pool)
    ratio = pool.parameters.get(_RATIO.name, _RATIO.default)
    best = scores.top(int(np.ceil(ratio * (count + len(held)))))
    if not len(best.row):
        return best
    rows, vectors = distinct_rows(pool, best)
    of, held_in = _clustered(pool, rows, vectors, held)
    clusters = int(max(of.max(), held_in.max(initial=0))) + 1
    size, taken = (np.bincount(column, minlength=clusters) for column in (of, held_in))
    # Rows come best first: the stable sort keeps each cluster's rows, and equal sizes, that way.
    member, leader = np.argsort(of, kind="stable"), np.full(clusters, len(of), np.int64)
    np.minimum.at(leader, of, np.arange(len(of)))
    order = np.lexsort((leader, size))
    group, place = turns(size[order], count, taken[order])
    cluster = order[group]
    picks = member[(np.cumsum(size) - size)[cluster] + place]
    parts = {scores.name: rows.score[picks], "cluster_size": size[cluster].astype(np.float32)}
    return take(rows, picks, rows.score[picks], **parts)


def _clustered(pool: PoolView, rows: Ranked, vectors: F32, held: F32) -> tuple[I64, I64]:
    """The clusters of the rows (n,) and of what is held (m,)."""
    if pool.index is not None:
        centres = pool.index.centres
        of = pool.index.cluster[pool.index.numbers(rows.block, rows.row)].astype(np.int64)
    else:
        centres = _centres(pool)
        of = _nearest(pool, vectors, centres)
    return of, _nearest(pool, held, centres) if len(held) else np.zeros(0, np.int64)


def _centres(pool: PoolView) -> F32:
    """Centres (k, d) for the open rows, a uniform sample of which is clustered."""
    drawn = pool.sample(_CLUSTER_ROWS * MOST)
    k = max(len(drawn.row) // _CLUSTER_ROWS, 1)
    drawn = pool.sample(_FITTED_ROWS * k)
    found = k_means(
        pool.engine,
        pool.vectors(drawn),
        None,
        min(k, len(drawn.row)),
        pool.seed,
        iterations=_ITERATIONS,
        cancel=pool.cancel,
    )
    return found.centres


def _nearest(pool: PoolView, vectors: F32, centres: F32) -> I64:
    return nearest_centres(pool.engine, vectors, centres, pool.cancel)[0].astype(np.int64)


STRATEGY = Selecting(
    name="cluster_margin",
    version=1,
    summary="Items that score well, dealt out over the clusters of the pool: for large batches.",
    reference="Citovsky et al., Batch Active Learning at Scale, NeurIPS 2021, arXiv:2107.14263",
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_RATIO,),
    scores="margin",
    uses_index=True,
)
