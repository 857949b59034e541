"""What speaks for an item, on scales that can be weighed against each other.

Criteria are normalised by rank: with a common range instead, one outlier would silence all the
others.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.core.clustering import nearest_centres
from alservice.domain.herding import unit
from alservice.domain.pool_view import PoolView
from alservice.domain.shortlist import scored, shortlist

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
_MEASURED: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """Candidates and what is known of them; more is better, but for the cost."""

    rows: Ranked
    vectors: F32  # (n, d)
    uncertainty: F32  # (n,), the score, divided by the cost if so asked
    apart: F32  # (n,), squared distance to the nearest labelled or leased item; 0 without any
    representative: F32  # (n,), cosine with the mean direction of the pool
    cost: F32  # (n,)


def criteria(pool: PoolView, cap: int) -> Criteria:
    """At most `cap` candidates: half of them the best scored, if the pool is larger."""
    rows = shortlist(pool, cap)
    vectors = pool.vectors(rows)
    apart = np.zeros(len(vectors), np.float32)
    if len(pool.anchors) and len(vectors):
        apart = nearest_centres(pool.engine, vectors, pool.anchors, pool.cancel)[1]
    directions = unit(pool.vectors(pool.sample(_MEASURED)))
    mean = directions.sum(axis=0, dtype=np.float64) / max(len(directions), 1)
    return Criteria(
        rows=rows,
        vectors=vectors,
        uncertainty=scored(pool).worth(rows, vectors) if len(vectors) else apart,
        apart=apart,
        representative=np.asarray(unit(vectors) @ mean, np.float32),
        cost=pool.costs_of(rows),
    )


def rank_share(values: NDArray[np.float32]) -> F64:
    """The share of values (n,) below each, of its equals half: in (0, 1), 1/2 if all are equal."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts / 2
    return np.asarray(below[inverse.reshape(-1)] / max(len(values), 1), np.float64)
