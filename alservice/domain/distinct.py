"""Equal vectors, told apart from the rest: a copy of an item is not worth a second label."""

from dataclasses import dataclass

import numpy as np

from alservice.core import Ranked
from alservice.domain.pool_view import F32, I64, PoolView, take


@dataclass(frozen=True, slots=True)
class Distinct:
    """The different vectors among many, in the order in which they first occur."""

    first: I64  # (k,), ascending
    count: I64  # (k,), how often each occurs


def distinct(vectors: F32) -> Distinct:
    """Find the distinct rows of (n, d); 0.0 and -0.0 are equal. Takes O(n d) extra memory."""
    if not vectors.size:
        alone = np.zeros(min(len(vectors), 1), np.int64)
        return Distinct(alone, alone + len(vectors))
    # Adding zero turns -0.0 into 0.0, so that equal numbers have equal bytes.
    rows = np.ascontiguousarray(vectors) + np.float32(0)
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, count = np.unique(keys, return_index=True, return_counts=True)
    order = np.argsort(first)
    return Distinct(first[order].astype(np.int64), count[order].astype(np.int64))


def distinct_rows(pool: PoolView, rows: Ranked) -> tuple[Ranked, F32]:
    """The first of these rows for every vector that they have, and those vectors (k, d).

    Where the near-duplicates of the whole pool are known, each group of them is one vector.
    """
    vectors = pool.vectors(rows)
    first = distinct(vectors).first
    if pool.index is not None and len(first):
        number = pool.index.numbers(rows.block[first], rows.row[first])
        # Which row stands for the group says nothing: it may be deleted, or not among these.
        _, place = np.unique(pool.index.duplicate_of[number], return_index=True)
        first = first[np.sort(place)]
    if len(first) == len(rows.row):
        return rows, vectors
    parts = {name: part[first] for name, part in rows.components.items()}
    return take(rows, first, rows.score[first], **parts), vectors[first]
