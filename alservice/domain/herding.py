"""What the strategies that cover a pool share: the rows to cover, bandwidths, what is covered.

Coverage of a row x by the chosen S is max over s in S of k(x, s). A large pool is covered by a
stratified estimate: the candidates stand for themselves, and a uniform sample for all others. So
that a candidate covers itself exactly once, however narrow the kernel is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import CancelFlag, Engine, Ranked
from alservice.core.clustering import nearest_centres, neighbours
from alservice.core.coverage import herd
from alservice.domain.pool_view import PoolView
from alservice.domain.shortlist import first, open_count, union

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
#: What is done to vectors (n, d) before distances are measured.
Space = Callable[[F32], F32]
_SPACED: Final = 2_000
_FLOOR: Final = 0.01
# Distances that one choice may spend on what labelled items cover, and on how they lie. Beyond
# them samples stand in, of _FEWEST rows at least: with labels the cost grows that much slower.
_COVERED: Final = 24_000_000
_APART: Final = 9_000_000
_FEWEST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Rows to be covered; the first `candidates` of them may be chosen."""

    rows: Ranked
    vectors: F32  # (n, d), as they are in the pool
    weights: F32  # (n,), how many open rows each stands for
    candidates: int

    @property
    def uniform(self) -> F32:
        """Those of the vectors that are as good as drawn uniformly."""
        rest = self.vectors[self.candidates :]
        return rest if len(rest) else self.vectors


def stage(pool: PoolView, candidates: Ranked, sample: Ranked) -> Stage:
    """The candidates, and the others of a uniform sample that stand for the rest of the pool."""
    rows = union(candidates, sample)
    own, others = len(candidates.row), len(rows.row) - len(candidates.row)
    weights = np.ones(len(rows.row), np.float32)
    if others:
        weights[own:] = max(open_count(pool.blocks) - own, others) / others
    return Stage(rows=rows, vectors=pool.vectors(rows), weights=weights, candidates=own)


def affordable(pool: PoolView, cap: int) -> int:
    """How many rows may stand for the pool: `cap`, and fewer beside very many labelled items."""
    return min(cap, max(_FEWEST, _COVERED // max(len(pool.anchors), 1)))


def uniform_stage(pool: PoolView, cap: int, candidates: int) -> Stage:
    """All open rows if there are at most `cap`; else a sample, begun by the candidates.

    There may be fewer beside very many labelled items (`affordable`).
    """
    cap = affordable(pool, cap)
    sample = pool.sample(max(cap, candidates))
    whole = open_count(pool.blocks) <= cap
    return stage(pool, sample if whole else first(sample, candidates), sample)


def herded(
    pool: PoolView,
    where: Stage,
    weights: F32,
    kernel: str,
    scale: float,
    count: int,
    space: Space | None = None,
) -> tuple[I64, F32]:
    """Greedy coverage in a `space`: places (k,) in `where.rows`, best first, and gains (k,).

    A gain is the share of all the weight (n,) that the pick covers and nothing did before.
    Labelled and leased items cover from the start. Fewer than `count` once nothing gains. The
    space is that of the unit vectors unless another is given; "dot" is made for unit vectors.
    """
    own, space = where.candidates, space or unit
    if not own or not count:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    rows = space(where.vectors)
    before = covered(pool.engine, rows, space(pool.anchors), kernel, scale, pool.cancel)
    index, gain = herd(
        pool.engine, rows[:own], rows, weights, before, kernel, scale, count, pool.cancel
    )
    return index, np.asarray(gain / weights.sum(dtype=np.float64), np.float32)


def covered(
    engine: Engine, rows: F32, anchors: F32, kernel: str, scale: float, cancel: CancelFlag | None
) -> F32:
    """How far each of the rows (n, d) is covered by the anchors (m, d): (n,).

    `kernel` and `scale` as in core.coverage.herd; for "dot" all are unit or zero.
    """
    # A zero vector is near to all by distance, and similar to none by the dot product.
    held = anchors[anchors.any(axis=1)] if kernel == "dot" else anchors
    if not len(held) or not len(rows):
        return np.zeros(len(rows), np.float32)
    _, squared = nearest_centres(engine, rows, np.ascontiguousarray(held), cancel)
    if kernel == "rbf":
        near = np.exp(-squared.astype(np.float64) / scale**2)
    elif kernel == "ball":
        near = np.sqrt(squared) <= scale
    else:
        near = np.where(rows.any(axis=1), np.clip(1 - squared / 2, 0, 1), 0)
    return np.asarray(near, np.float32)


def as_is(vectors: F32) -> F32:
    """The vectors (n, d) themselves."""
    return np.ascontiguousarray(vectors)


def unit(vectors: F32) -> F32:
    """Each of the vectors (n, d) over its Euclidean norm; zero stays zero."""
    # In float64 the square of no float32 is too large, or too small but for 0.
    squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return np.asarray(vectors / np.sqrt(np.where(squares > 0, squares, 1))[:, None], np.float32)


def bandwidth(pool: PoolView, vectors: F32, quantile: float, space: Space | None = None) -> float:
    """A low quantile of the distances from labelled items to their nearest labelled one.

    The more is labelled, the narrower: coverage turns into uncertainty sampling. Twins, at
    distance 0, do not count, and it is never below the first percentile of such distances among
    the `vectors` (n, d) of the pool; 1 where fewer than two items are labelled. Of more than some
    3,000 labelled items the quantile is that of a part of them, spread evenly over their order.
    """
    space = space or unit
    labelled = space(pool.anchors[pool.anchor_classes >= 0])
    if len(labelled) < 2:
        return 1.0
    some = evenly(labelled, max(_FEWEST, _APART // len(labelled)))
    near = space(vectors[:_SPACED])
    among_labelled, among_pool = (
        apart[apart > 0]
        for apart in (
            spacing(pool.engine, some, labelled, pool.cancel),
            spacing(pool.engine, near, near, pool.cancel),
        )
    )
    scale = float(np.quantile(among_labelled, quantile)) if len(among_labelled) else 0.0
    floor = float(np.quantile(among_pool, _FLOOR)) if len(among_pool) else 0.0
    return max(scale, floor) or 1.0


def evenly(vectors: F32, most: int) -> F32:
    """At most so many of the vectors (n, d), spread over their order."""
    if len(vectors) <= most:
        return vectors
    return vectors[np.arange(most) * len(vectors) // most]


def spacing(
    engine: Engine, some: F32, vectors: F32, cancel: CancelFlag | None
) -> NDArray[np.float64]:
    """The distance (m,) of some (m, d) of the vectors (n, d) to their nearest other.

    None where there is a single one.
    """
    if len(vectors) < 2:
        return np.zeros(0, np.float64)
    _, squared = neighbours(engine, some, vectors, 2, cancel)
    return np.sqrt(squared[:, 1].astype(np.float64))
