"""Information density: a score, weighted by how much like the rest of the pool the item is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, Ranked
from alservice.core.clustering import nearest_centres
from alservice.domain.pool_view import F32, PoolView, take
from alservice.domain.shortlist import scored
from alservice.domain.strategy import Need, Parameter, Selecting

#: The mean is that of all open rows, or of so many of them drawn uniformly.
_ROWS: Final = 100_000
_CHUNK: Final = 8_192
_BETA: Final = Parameter(
    name="beta",
    description="The power of the density: 0 ignores it.",
    default=1,
    minimum=0,
    maximum=10,
)


def select(pool: PoolView, count: int) -> Ranked:
    """Rank by score times mean similarity to the open rows to the power beta.

    Similarity is (1 + cosine) / 2, the cosine with a zero vector being 0. Its mean over rows j is
    (1 + x·m) / 2 for a unit vector x and the mean m of the unit vectors, so that one pass over
    the pool is enough, with no n x n matrix.
    """
    scores = scored(pool)
    if not pool.blocks:
        return pool.sample(0)
    mean = _mean_direction(pool)
    beta = pool.parameters.get(_BETA.name, _BETA.default)
    every = scores.every()
    density = [_density(pool, block, mean) for block in pool.blocks]
    weighted = [
        np.asarray(score * part**beta, np.float32)
        for score, part in zip(every, density, strict=True)
    ]
    found = pool.engine.top_k(weighted, pool.blocks, count, pool.seed, pool.cancel)
    parts = {scores.name: _at(every, found), "density": _at(density, found)}
    return take(found, np.arange(len(found.row)), found.score, **parts)


def _mean_direction(pool: PoolView) -> F32:
    """The mean (d,) of the unit vectors of the open rows."""
    rows = pool.sample(_ROWS)
    total: NDArray[np.float64] = np.zeros(pool.blocks[0].vectors.shape[1])
    for start in range(0, len(rows.row), _CHUNK):
        part = np.arange(start, min(start + _CHUNK, len(rows.row)))
        vectors = pool.vectors(take(rows, part, rows.score[part])).astype(np.float64)
        norm = np.linalg.norm(vectors, axis=1, keepdims=True)
        total += (vectors / np.where(norm > 0, norm, 1)).sum(axis=0)
    return np.asarray(total / max(len(rows.row), 1), np.float32)


def _density(pool: PoolView, block: Block, mean: F32) -> F32:
    """(1 + cos-mean) / 2 of each row (n,), in [0, 1].

    From squared distances to 0 and to the mean, because their kernel gives a row the same
    digits wherever it lies.
    """
    zero = np.zeros((1, len(mean)), np.float32)
    squared_norm = _squared(pool, block, zero)
    squared_mean = float(mean.astype(np.float64) @ mean)
    product = (squared_norm + squared_mean - _squared(pool, block, mean[None])) / 2
    norm = np.sqrt(np.where(squared_norm > 0, squared_norm, 1))
    cosine = np.where(squared_norm > 0, product / norm, 0)
    return np.asarray(np.clip((1 + cosine) / 2, 0, 1), np.float32)


def _squared(pool: PoolView, block: Block, centre: F32) -> NDArray[np.float64]:
    return nearest_centres(pool.engine, block.vectors, centre, pool.cancel)[1].astype(np.float64)


def _at(columns: list[F32], rows: Ranked) -> F32:
    found = np.empty(len(rows.row), np.float32)
    for number, column in enumerate(columns):
        here = rows.block == number
        found[here] = column[rows.row[here]]
    return found


STRATEGY = Selecting(
    name="information_density",
    version=1,
    summary="Items that score well and are like many others.",
    reference=(
        "Settles & Craven, An Analysis of Active Learning Strategies for Sequence Labeling "
        "Tasks, EMNLP 2008"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_BETA,),
    scores="margin",
    greedy=True,
)
