"""SEALS: look for more of a rare class only among the neighbours of what is labelled."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.core.clustering import neighbours
from alservice.domain.pool_index import PoolIndex
from alservice.domain.pool_view import take
from alservice.domain.shortlist import open_rows, scored, union
from alservice.domain.strategy import F32, Need, Parameter, PoolView, Selecting

I64 = NDArray[np.int64]

_NEIGHBOURS: Final = Parameter(
    name="neighbours",
    description="How many neighbours of each labelled item may be chosen.",
    default=100,
    minimum=1,
    maximum=10_000,
)
_ROWS: Final = Parameter(
    name="rows",
    description="Rows among which neighbours are looked for exactly.",
    default=50_000,
    minimum=1,
    maximum=200_000,
)


def select(pool: PoolView, count: int) -> Ranked:
    """The best scored of the nearest neighbours of the labelled items.

    Exact among a uniform sample. Of a larger pool whose neighbour graph was built, the graph's
    neighbours of those are looked at too, wherever they are. There may be fewer than `count`.
    """
    each, cap = (pool.parameters.get(p.name, p.default) for p in (_NEIGHBOURS, _ROWS))
    sample = pool.sample(int(cap))
    labelled = np.ascontiguousarray(pool.anchors[pool.anchor_classes >= 0])
    if not len(labelled) or not len(sample.row):
        return pool.sample(0)
    index, _ = neighbours(
        pool.engine, labelled, pool.vectors(sample), min(int(each), len(sample.row)), pool.cancel
    )
    near = np.unique(index[index >= 0]).astype(np.int64)
    rows = take(sample, near, sample.score[near])
    if pool.index is not None and len(sample.row) == int(cap):
        rows = union(rows, _beyond(pool, pool.index, rows))
    return _best(pool, rows, count)


def _beyond(pool: PoolView, index: PoolIndex, rows: Ranked) -> Ranked:
    """The open rows that the graph has next to these, ascending."""
    found = index.neighbours[index.numbers(rows.block, rows.row)]
    block, row = index.places(np.unique(found[found >= 0]).astype(np.int64))
    is_open = np.zeros(len(row), np.bool_)
    for number, each in enumerate(pool.blocks):
        at = block == number
        is_open[at] = np.isin(row[at], open_rows(each))
    return Ranked(block[is_open], row[is_open], np.zeros(int(is_open.sum()), np.float32))


def _best(pool: PoolView, rows: Ranked, count: int) -> Ranked:
    """The best scored of the rows; equal ones by their keyed hash, as the engine has it."""
    scores = scored(pool)
    value: F32 = scores.worth(rows, pool.vectors(rows))
    columns = [np.full(len(block.id_hash), -np.inf, np.float32) for block in pool.blocks]
    for number, column in enumerate(columns):
        at = rows.block == number
        column[rows.row[at]] = value[at]
    kept = min(count, len(rows.row))
    best = pool.engine.top_k(columns, pool.blocks, kept, pool.seed, pool.cancel)
    order = np.arange(len(best.row), dtype=np.int64)
    return take(best, order, best.score, **{scores.name: best.score})


STRATEGY = Selecting(
    name="seals",
    version=1,
    summary="High scores next to what is labelled: finds more of a rare class, fast.",
    reference=(
        "Coleman, Chou, Katz-Samuels, Culatana, Bailis, Berg, Nowak, Sumbaly, Zaharia & Yalniz, "
        "Similarity Search for Efficient Active Learning and Search of Rare Concepts, AAAI 2022"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS, Need.LABELS}),
    parameters=(_NEIGHBOURS, _ROWS),
    scores="margin",
    greedy=True,
    uses_index=True,
)
