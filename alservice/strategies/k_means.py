"""k-means: ask about the item at the middle of each cluster, before there is any model."""

from typing import Final

import numpy as np

from alservice.core import Ranked
from alservice.domain.clusters import cluster_count, clusters
from alservice.domain.distinct import distinct_rows
from alservice.domain.pool_view import PoolView, take
from alservice.domain.strategy import Parameter, Selecting

_ROWS: Final = 50_000
_PER_CLUSTER: Final = Parameter(
    name="rows_per_cluster",
    description="Open rows drawn for the clustering, for each item asked for.",
    default=512,
    minimum=16,
    maximum=4096,
)


def select(pool: PoolView, count: int) -> Ranked:
    """The row nearest to each centre; equal vectors count once.

    Clusters that hold the fewest labelled and leased items come first, the largest of them
    leading. Clusters a uniform sample of the pool. Scores are sizes of clusters.
    """
    per_cluster = int(pool.parameters.get(_PER_CLUSTER.name, _PER_CLUSTER.default))
    k = cluster_count(count, len(pool.anchors))
    drawn = pool.sample(max(min(per_cluster * count, _ROWS), per_cluster // 16 * k))
    if not count or not len(drawn.row):
        return pool.sample(0)
    rows, vectors = distinct_rows(pool, drawn)
    held = pool.anchors[-len(rows.row) :]
    found = clusters(pool, vectors, held, k)
    picks, cluster = found.serve(np.argsort(-found.size, kind="stable"), count)
    size = found.size[cluster].astype(np.float32)
    anchors = found.held[cluster].astype(np.float32)
    return take(rows, picks, size, cluster_size=size, cluster_anchors=anchors)


STRATEGY = Selecting(
    name="k_means",
    version=1,
    summary="The most central item of each cluster: a good first batch.",
    reference=(
        "Yuan, Lin & Boyd-Graber, Cold-start Active Learning through Self-supervised Language "
        "Modeling, EMNLP 2020; Gupte et al., Revisiting Active Learning in the Era of Vision "
        "Foundation Models, TMLR 2024"
    ),
    select=select,
    parameters=(_PER_CLUSTER,),
)
