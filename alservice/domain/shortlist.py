"""Which open rows a strategy looks at: all of a small pool, of a large one some of two kinds."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, Ranked
from alservice.domain.pool_view import PoolView, Scored, join, take

_STRIDE: Final = 2**40


def open_count(blocks: Sequence[Block]) -> int:
    """How many rows no block excludes."""
    return sum(int((~_excluded(block)).sum()) for block in blocks)


def _excluded(block: Block) -> NDArray[np.bool_]:
    rows = len(block.id_hash)
    return np.unpackbits(block.excluded, count=rows, bitorder="little").astype(np.bool_)


def open_rows(block: Block) -> NDArray[np.int64]:
    """The rows of one block that it does not exclude, ascending."""
    return np.flatnonzero(~_excluded(block)).astype(np.int64)


def scored(pool: PoolView) -> Scored:
    """The scores to diversify. Raises AssertionError without a model."""
    if pool.scored is None:
        raise AssertionError("a strategy that diversifies scores must need a model")
    return pool.scored


def hashes(pool: PoolView, rows: Ranked) -> NDArray[np.uint64]:
    """The hashes (m,) of the ids of these rows."""
    out = np.empty(len(rows.row), np.uint64)
    for number, block in enumerate(pool.blocks):
        at = rows.block == number
        out[at] = block.id_hash[rows.row[at]]
    return out


def first(rows: Ranked, count: int) -> Ranked:
    """The first `count` rows, without the parts of their scores."""
    return take(rows, np.arange(min(count, len(rows.row)), dtype=np.int64), rows.score[:count])


def union(one: Ranked, other: Ranked) -> Ranked:
    """The rows of both, each once, at its first place, without the parts of their scores."""
    rows = join(one, other)
    _, places = np.unique(rows.block * _STRIDE + rows.row, return_index=True)
    places = np.sort(places).astype(np.int64)
    return take(rows, places, rows.score[places])


def shortlist(pool: PoolView, cap: int) -> Ranked:
    """At most `cap` open rows: all, if there are no more; else half the best, half drawn.

    Where all fit they come in the order of their keyed hashes, so that the first of equals is
    the right one. The scores are 0 then, and mean nothing otherwise.
    """
    drawn = pool.sample(cap)
    if open_count(pool.blocks) <= cap:
        return drawn
    return first(union(scored(pool).top(cap // 2), drawn), cap)
