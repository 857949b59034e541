"""What labels would tell a linear model: Fisher information in its binary form.

A row x with greatest class probability p counts as p (1 - p) x x', of rank one whatever the
number of classes (Huseljic, Hahn, Herde, Rauch & Sick, Fast Fishing, ECML PKDD 2024). Vectors are
scaled to a mean squared norm of 1, as the penalty is for such vectors.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.core.design import outer_sum
from alservice.domain.head import LinearHead
from alservice.domain.pool_view import PoolView
from alservice.domain.shortlist import open_count, shortlist

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
_MEASURED: Final = 20_000
_USUAL_PENALTY: Final = 0.01
#: Of the trace: sums of products rounded to float32 are off by at most 6e-8 of it.
_LEAST_PENALTY: Final = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Information:
    """Candidates, and what the model knows without them."""

    rows: Ranked
    vectors: F32  # (n, d), scaled
    weights: F32  # (n,), p (1 - p)
    inverse: F64  # (d, d), of penalty + the sum over labelled and leased items
    pool: F64  # (d, d), the mean over the pool


def information(pool: PoolView, cap: int) -> Information | None:
    """The state before the first pick, for at most `cap` candidates; None if there are none.

    Dividing the penalty and the sums by the number of labels, as in print, changes no pick. The
    penalty of a model that is not linear is one in another space: the usual takes its place.
    """
    rows = shortlist(pool, cap)
    if not len(rows.row):
        return None
    vectors = pool.vectors(rows)
    whole = open_count(pool.blocks) <= cap
    sample = vectors if whole else pool.vectors(pool.sample(_MEASURED))
    norm = _norm(sample, pool.anchors)
    drawn = _sum(pool, sample, norm) / len(sample)
    known = _sum(pool, pool.anchors, norm) if len(pool.anchors) else np.zeros_like(drawn)
    return Information(
        rows=rows,
        vectors=np.asarray(vectors / norm, np.float32),
        weights=doubt(pool, vectors),
        inverse=_inverse(known, pool.penalty if _is_linear(pool) else _USUAL_PENALTY),
        pool=drawn,
    )


def _is_linear(pool: PoolView) -> bool:
    return isinstance(pool.head, LinearHead)


def _inverse(known: F64, penalty: float) -> F64:
    """The inverse of known + penalty, positive definite in spite of rounding."""
    least = _LEAST_PENALTY * float(np.trace(known))
    both = (known + known.T) / 2 + max(penalty, least) * np.eye(len(known))
    inverse = np.linalg.inv(both)
    return np.ascontiguousarray((inverse + inverse.T) / 2)


def _norm(sample: F32, anchors: F32) -> float:
    """What makes the mean squared norm of a sample 1, labels far outside of it still finite."""
    squares = (np.einsum("ij,ij->i", v, v, dtype=np.float64) for v in (sample, anchors))
    inside, outside = squares
    return float(np.sqrt(max(inside.mean(), 1e-12 * outside.max(initial=0.0)))) or 1.0


def doubt(pool: PoolView, vectors: F32) -> F32:
    """Give p (1 - p) of the likeliest class of each vector: (n,)."""
    likeliest = pool.probabilities(vectors).max(axis=1)
    return np.asarray(np.clip(likeliest * (1 - likeliest), 0, None), np.float32)


def _sum(pool: PoolView, vectors: F32, norm: float) -> F64:
    scaled = np.asarray(vectors / norm, np.float32)
    return outer_sum(pool.engine, scaled, doubt(pool, vectors), pool.cancel)
