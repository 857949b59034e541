"""DropQuery: items whose class changes when features are dropped, one from each cluster."""

from typing import Final

import numpy as np

from alservice.core import Ranked
from alservice.domain.clusters import cluster_count, clusters, leased
from alservice.domain.distinct import distinct_rows
from alservice.domain.herding import unit
from alservice.domain.pool_view import F32, I64, PoolView, take
from alservice.domain.strategy import Need, Parameter, Selecting

_ROWS: Final = 100_000
#: At least so many candidates for each item asked for, and at most so many.
_LEAST: Final = 25
_MOST: Final = 512
_CHUNK: Final = 4_096
_PASSES: Final = Parameter(
    name="passes",
    description="How often features are dropped anew.",
    default=3,
    minimum=1,
    maximum=100,
)
_DROPOUT: Final = Parameter(
    name="dropout",
    description="The share of the features that are dropped.",
    default=0.75,
    minimum=0.01,
    maximum=0.99,
)


def select(pool: PoolView, count: int) -> Ranked:
    """Cluster the directions of the candidates by k-means; the row nearest to each centre.

    Candidates, from a uniform sample of the pool, are the rows that most passes classify
    otherwise, and the next likely where these are few. Items leased to others are clustered too,
    and their clusters come last; equal vectors count once. Scores are shares of passes.
    """
    drawn = pool.sample(max(_ROWS, count))
    if not count or not len(drawn.row):
        return pool.sample(0)
    rows, vectors = distinct_rows(pool, drawn)
    passes = round(pool.parameters.get(_PASSES.name, _PASSES.default))
    changed = _changed(pool, vectors, passes)
    held = leased(pool)
    k = cluster_count(count, len(held))
    many = int((changed > passes / 2).sum())
    limit = min(max(many, _LEAST * max(count, k)), _MOST * max(count, k))
    candidates = np.argsort(-changed, kind="stable")[:limit]
    found = clusters(pool, unit(vectors[candidates]), unit(held), k)
    picks, cluster = found.serve(np.argsort(-found.size, kind="stable"), count)
    picks = candidates[picks]
    share = (changed[picks] / passes).astype(np.float32)
    size = found.size[cluster].astype(np.float32)
    return take(rows, picks, share, changed=share, cluster_size=size)


def _changed(pool: PoolView, vectors: F32, passes: int) -> I64:
    """In how many passes (n,) another class is the likeliest.

    Each row has masks of its own. Rows come in the order of their hashes, so that the masks do
    not depend on how the pool is cut.
    """
    dropout = pool.parameters.get(_DROPOUT.name, _DROPOUT.default)
    random = np.random.default_rng(pool.seed)
    changed = np.zeros(len(vectors), np.int64)
    for start in range(0, len(vectors), _CHUNK):
        part = vectors[start : start + _CHUNK]
        usual = pool.probabilities(part).argmax(axis=1)
        for _ in range(passes):
            kept = random.random(part.shape, np.float32) >= np.float32(dropout)
            dropped = np.asarray(part * kept / np.float32(1 - dropout), np.float32)
            other = pool.probabilities(dropped).argmax(axis=1) != usual
            changed[start : start + _CHUNK] += other
    return changed


STRATEGY = Selecting(
    name="drop_query",
    version=1,
    summary="Items that change class when features are dropped, one from each of their clusters.",
    reference=(
        "Gupte et al., Revisiting Active Learning in the Era of Vision Foundation Models, "
        "TMLR 2024, arXiv:2401.14555"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_PASSES, _DROPOUT),
)
