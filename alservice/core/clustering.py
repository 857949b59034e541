"""Clusters and neighbours of vectors: exact, and the same for any number of threads.

Distances are squared and Euclidean, computed as direct differences, so that equal rows are at
distance 0. All vectors must be finite and have at least one value; ValueError otherwise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alservice.core import _native
from alservice.core._native import CancelFlag
from alservice.core.arrays import checked, checked_count, checked_u64, checked_vectors
from alservice.core.engine import Engine

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class KMeans:
    """Clusters: the assignment is what `nearest_centres` says of the centres."""

    #: (k, d)
    centres: F32
    #: (n,) which cluster; where rows are equal, some clusters may be empty.
    assignment: I32
    #: (n,) squared distance to the centre.
    squared: F32


def nearest_centres(
    engine: Engine, vectors: NDArray[Any], centres: F32, cancel: CancelFlag | None = None
) -> tuple[I32, F32]:
    """The nearest of the centres (m, d), m >= 1, to each vector (n, d): index and distance.

    Both are (n,); of equally near centres the first. `vectors` are float32, float16, or uint16
    with bfloat16 bits. Raises Cancelled.
    """
    kind, values = checked_vectors("vectors", vectors)
    centres = checked("centres", centres, np.float32, 2)
    return _native.nearest_centres(engine.native, kind, values, centres, cancel)


def k_means(
    engine: Engine,
    vectors: F32,
    weights: F32 | None,
    k: int,
    seed: int,
    iterations: int = 20,
    cancel: CancelFlag | None = None,
) -> KMeans:
    """Cluster vectors (n, d), n >= k >= 1, with weights (n,) >= 0.

    Lloyd's iterations (1982) from a k-means++ start (Arthur and Vassilvitskii 2007), until one
    lowers the weighted sum of squared distances by less than a two-thousandth or all are used
    up. Clusters that fall empty take the row that is served worst. Memory: of many clusters up to
    a quarter of what the vectors take. Raises Cancelled.
    """
    return KMeans(
        *_native.k_means(
            engine.native,
            checked("vectors", vectors, np.float32, 2),
            _weights(weights),
            checked_count("k", k),
            checked_u64("seed", seed),
            checked_count("iterations", iterations),
            cancel,
        )
    )


def k_means_plus_plus(
    engine: Engine,
    vectors: F32,
    weights: F32 | None,
    anchors: F32,
    k: int,
    seed: int,
    cancel: CancelFlag | None = None,
) -> tuple[I64, F32]:
    """Draw min(k, n) rows of vectors (n, d) one by one, far from anchors (m, d) and each other.

    The chance of a row is its weight times its squared distance to the nearest anchor or earlier
    pick (Arthur and Vassilvitskii 2007); its weight alone for a first pick without anchors, and
    once all that are left are at distance 0; equal once all weights left are 0. Returns the rows
    in the order of drawing and the probability each had when it was drawn. Raises Cancelled.
    """
    return _native.k_means_plus_plus(
        engine.native,
        checked("vectors", vectors, np.float32, 2),
        _weights(weights),
        checked("anchors", anchors, np.float32, 2),
        checked_count("k", k),
        checked_u64("seed", seed),
        cancel,
    )


def neighbours(
    engine: Engine, queries: F32, base: F32, k: int, cancel: CancelFlag | None = None
) -> tuple[NDArray[np.int32], F32]:
    """The k rows of base (n, d) nearest to each query (m, d): indices and distances, (m, k).

    Exact, nearest first, of equally near ones the first; -1 and infinity where n < k. A query
    that is itself in the base is among its own neighbours. Raises Cancelled.
    """
    return _native.neighbours(
        engine.native,
        checked("queries", queries, np.float32, 2),
        checked("base", base, np.float32, 2),
        checked_count("k", k),
        cancel,
    )


def nearest_within(
    engine: Engine,
    vectors: F32,
    members: I64,
    sizes: I64,
    k: int,
    cancel: CancelFlag | None = None,
) -> F32:
    """Squared distances (m, k) of members to the k nearest others of their group, ascending.

    `members` (m,) are rows of vectors (n, d): those of the first group, of `sizes` (g,) rows,
    then those of the next. Exact; infinity where there are fewer others. Raises Cancelled.
    """
    return _native.nearest_within(
        engine.native,
        checked("vectors", vectors, np.float32, 2),
        checked("members", members, np.int64, 1),
        checked("sizes", sizes, np.int64, 1),
        checked_count("k", k),
        cancel,
    )


def _weights(weights: F32 | None) -> F32 | None:
    return None if weights is None else checked("weights", weights, np.float32, 1)
