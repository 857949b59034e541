"""BADGE: ask about items that would move the model far, and in different directions."""

from typing import Final

import numpy as np

from alservice.core import Cancelled, Ranked, keyed_hash
from alservice.core.gradients import badge
from alservice.domain.head import LinearHead
from alservice.domain.pool_view import take
from alservice.domain.shortlist import hashes, open_count, shortlist
from alservice.domain.strategy import F32, Need, Parameter, PoolView, Selecting

_ORIGIN: Final = Parameter(
    name="origin",
    description="1: an item that would not move the model at all counts as chosen; 0: in print.",
    default=0,
    minimum=0,
    maximum=1,
)
_CANDIDATES: Final = Parameter(
    name="candidates",
    description="Rows of a larger pool that may be chosen, for models that are not linear or have "
    "very many classes; or four for each asked for, if more.",
    default=20_000,
    minimum=1,
    maximum=200_000,
)
#: More numbers than this, one for each open row and class, are not held: a gigabyte.
_MOST: Final = 200_000_000
_MOST_SHORTLISTED: Final = 20_000_000


def select(pool: PoolView, count: int) -> Ranked:
    """k-means++ on the gradients of the last layer, as if the likeliest class were right.

    The first pick has the longest gradient; each further one is drawn in proportion to the
    squared distance D^2 to the nearest before it, which is its score. Leased items count as
    picked. Labelled ones do not: their gradients say nothing about what the model lacks.
    """
    origin = pool.parameters.get(_ORIGIN.name, _ORIGIN.default) >= 0.5
    leased = np.ascontiguousarray(pool.anchors[pool.anchor_classes < 0])
    head = pool.head
    if not isinstance(head, LinearHead) or open_count(pool.blocks) * len(head.bias) > _MOST:
        return _by_probabilities(pool, leased, origin, count)
    return badge(
        pool.engine,
        pool.blocks,
        head.weights,
        head.bias,
        leased.reshape(len(leased), head.weights.shape[1]),
        count,
        pool.seed,
        origin,
        pool.cancel,
    )


class _Gradients:
    """Gradients q (x) [x; 1] of rows by their two factors; q = p - e of the likeliest class."""

    def __init__(self, pool: PoolView, vectors: F32) -> None:
        p = pool.probabilities(vectors).astype(np.float64)
        p[np.arange(len(p)), p.argmax(axis=1)] -= 1
        self.doubt = p
        self.rows = np.concatenate([vectors, np.ones((len(vectors), 1))], axis=1, dtype=np.float64)
        squares = np.einsum("ij,ij->i", self.rows, self.rows)
        self.squared = np.einsum("ij,ij->i", p, p) * squares

    def from_row(self, other: "_Gradients", row: int) -> np.ndarray:
        """Squared distances (n,) to the gradient of one row of `other`."""
        products = (self.doubt @ other.doubt[row]) * (self.rows @ other.rows[row])
        return np.asarray(np.maximum(self.squared + other.squared[row] - 2 * products, 0))


def _by_probabilities(pool: PoolView, leased: F32, origin: bool, count: int) -> Ranked:  # noqa: FBT001
    """The same for any head, on a shortlist: the inputs take the place of the last layer."""
    cap = pool.parameters.get(_CANDIDATES.name, _CANDIDATES.default)
    most = max(_MOST_SHORTLISTED // max(pool.class_count, 1), count)
    rows = shortlist(pool, min(max(int(cap), 4 * count), most))
    if not len(rows.row):
        return rows
    gradients = _Gradients(pool, pool.vectors(rows))
    squared = gradients.squared if origin else np.full(len(rows.row), np.inf)
    if len(leased):
        taken = _Gradients(pool, leased)
        for anchor in range(len(leased)):
            squared = np.minimum(squared, gradients.from_row(taken, anchor))
    left, picked, score = np.ones(len(rows.row), np.bool_), [], []
    for step in range(min(count, len(rows.row))):
        if pool.cancel is not None and pool.cancel.cancelled:
            raise Cancelled
        if np.isinf(squared[0]):
            best, worth = int(np.argmax(gradients.squared)), float(gradients.squared.max())
        else:
            best = _race(squared, left, pool, rows, step)
            worth = float(squared[best])
        left[best] = False
        picked.append(best)
        score.append(worth)
        squared = np.minimum(squared, gradients.from_row(gradients, best))
    return take(rows, np.array(picked, np.int64), np.array(score, np.float32))


def _race(squared: np.ndarray, left: np.ndarray, pool: PoolView, rows: Ranked, step: int) -> int:
    """One draw in proportion to `squared` (n,) of those left: the first to finish a race."""
    key = int(keyed_hash(np.array([pool.seed], np.uint64), step)[0])
    uniform = ((keyed_hash(hashes(pool, rows), key) >> np.uint64(11)) + 0.5) / 2.0**53
    with np.errstate(divide="ignore", over="ignore"):
        times = np.where(left, -np.log(uniform) / squared, np.inf)
    best = int(np.argmin(times))
    # Where none has a chance the first that is left goes: rows are in the order of their hashes.
    return best if np.isfinite(times[best]) else int(np.argmax(left))


STRATEGY = Selecting(
    name="badge",
    version=1,
    summary="Items that would move the model far, each in a direction of its own.",
    reference=(
        "Ash, Zhang, Krishnamurthy, Langford & Agarwal, Deep Batch Active Learning by Diverse, "
        "Uncertain Gradient Lower Bounds, ICLR 2020"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_ORIGIN, _CANDIDATES),
    scores="margin",
    shortlists=True,
    greedy=True,
)
