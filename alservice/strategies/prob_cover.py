"""ProbCover: balls that hold one class each, laid over the densest parts of the pool first."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.core.clustering import k_means, nearest_centres
from alservice.domain.herding import herded, uniform_stage, unit
from alservice.domain.pool_view import take
from alservice.domain.strategy import F32, Parameter, PoolView, Selecting

_ROWS: Final = Parameter(
    name="rows",
    description="Rows that stand for a larger pool; fewer beside more than some 1,200 labels.",
    default=20_000,
    minimum=1,
    maximum=200_000,
)
_CANDIDATES: Final = Parameter(
    name="candidates",
    description="Rows of a larger pool that may be chosen; or four for each asked for, if more.",
    default=5_000,
    minimum=1,
    maximum=200_000,
)
_PURITY: Final = Parameter(
    name="purity",
    description="Share of balls that may hold one cluster only; sets their radius.",
    default=0.95,
    minimum=0.0,
    maximum=1.0,
)
_MEASURED: Final = 2_000


def select(pool: PoolView, count: int) -> Ranked:
    """Each pick covers the most rows within the radius that nothing covered before.

    Scores are these as a share of the pool. Labelled and leased items cover, too. Fewer than
    `count` once all is covered.
    """
    cap, few, purity = (
        pool.parameters.get(p.name, p.default) for p in (_ROWS, _CANDIDATES, _PURITY)
    )
    where = uniform_stage(pool, int(cap), max(int(few), 4 * count))
    delta = radius(pool, unit(where.vectors), purity)
    index, gain = herded(pool, where, where.weights, "ball", delta, count)
    return take(where.rows, index, gain, gain=gain)


def radius(pool: PoolView, vectors: F32, purity: float) -> float:
    """The largest radius with which that share of the balls round `vectors` (n, d) is pure.

    Pure: all of the vectors in it belong to one of the clusters that k-means finds, as many as
    classes. A ball is pure as long as it does not reach the nearest vector of another cluster,
    so this is a quantile of the distances to these, measured from the first 2000. Without a
    second cluster: 1.
    """
    foreign = np.sort(_to_another_cluster(pool, vectors))
    if not len(foreign):
        return 1.0
    impure = min(int(np.floor((1 - purity) * len(foreign) + 1e-9)), len(foreign) - 1)
    # A hair less, as balls are closed; more than 0, as a point is in its own ball.
    return max(float(np.nextafter(foreign[impure], np.float32(0))) * (1 - 1e-6), 1e-6)


def _to_another_cluster(pool: PoolView, vectors: F32) -> NDArray[np.float32]:
    clusters = min(max(2, pool.class_count), len(vectors))
    if clusters < 2:
        return np.zeros(0, np.float32)
    found = k_means(pool.engine, vectors, None, clusters, pool.seed, cancel=pool.cancel)
    of, size = found.assignment, np.bincount(found.assignment, minlength=clusters)
    # In this circle of clusters, what is foreign to one is the stretch that begins behind it.
    circle = vectors[np.tile(np.argsort(of, kind="stable"), 2)]
    behind = np.cumsum(size)
    parts = []
    for cluster in np.unique(of[:_MEASURED]):
        own = np.ascontiguousarray(vectors[:_MEASURED][of[:_MEASURED] == cluster])
        others = circle[behind[cluster] :][: len(vectors) - size[cluster]]
        if len(others):
            parts.append(np.sqrt(nearest_centres(pool.engine, own, others, pool.cancel)[1]))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


STRATEGY = Selecting(
    name="prob_cover",
    version=1,
    summary="Cover the most items by balls that are likely to hold one class each.",
    reference=(
        "Yehuda, Dekel, Hacohen & Weinshall, Active Learning Through a Covering Lens, NeurIPS 2022"
    ),
    select=select,
    parameters=(_ROWS, _CANDIDATES, _PURITY),
    greedy=True,
)
