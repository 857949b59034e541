"""Weighted k-means: the best-scored items, one from each of their clusters."""

from typing import Final

import numpy as np

from alservice.core import Ranked
from alservice.domain.clusters import cluster_count, clusters, leased
from alservice.domain.distinct import distinct_rows
from alservice.domain.pool_view import PoolView, take
from alservice.domain.shortlist import scored
from alservice.domain.strategy import Need, Parameter, Selecting

_BETA: Final = Parameter(
    name="beta",
    description="How many of the best-scored items to cluster, for each item asked for.",
    default=10,
    minimum=1,
    maximum=100,
)


def select(pool: PoolView, count: int) -> Ranked:
    """The row nearest to each centre among the best-scored, clustered with scores as weights.

    Equal vectors count once. Items leased to others are clustered too, and their clusters come
    last. A batch of one is the best score. Scores are those of the strategy it diversifies.
    """
    scores = scored(pool)
    held = leased(pool)
    if count < 2 and not len(held):
        return scores.top(count)
    k = cluster_count(count, len(held))
    beta = pool.parameters.get(_BETA.name, _BETA.default)
    best = scores.top(int(np.ceil(beta * max(count, k))))
    if not len(best.row):
        return best
    rows, vectors = distinct_rows(pool, best)
    found = clusters(pool, vectors, held, k, np.maximum(rows.score, np.float32(0)))
    # Rows come best first, so a lower position is a better score.
    picks, cluster = found.serve(np.argsort(found.member[found.start]), count)
    order = np.argsort(picks)
    picks, size = picks[order], found.size[cluster[order]].astype(np.float32)
    score = rows.score[picks]
    return take(rows, picks, score, **{scores.name: score, "cluster_size": size})


STRATEGY = Selecting(
    name="weighted_k_means",
    version=1,
    summary="Items that score well and differ from each other: one from each of their clusters.",
    reference=(
        "Zhdanov, Diverse mini-batch Active Learning, arXiv:1901.05954, 2019; Prabhu et al., "
        "Active Domain Adaptation via Clustering Uncertainty-weighted Embeddings, ICCV 2021"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_BETA,),
    scores="margin",
)
