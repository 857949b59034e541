"""Equal vectors, told apart from the rest: a copy of an item is not worth a second label."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.domain.pool_view import F32, I64, PoolView, take

#: Rows that are hashed at a time, so that what lies between stays in the cache.
_CHUNK: Final = 256


@dataclass(frozen=True, slots=True)
class Distinct:
    """The different vectors among many, in the order in which they first occur."""

    first: I64  # (k,), ascending
    count: I64  # (k,), how often each occurs


def distinct(vectors: F32) -> Distinct:
    """Find the distinct rows of (n, d); 0.0 and -0.0 are equal. Takes O(n) extra memory, and
    O(d) for each row that may have a copy.
    """
    if not vectors.size:
        alone = np.zeros(min(len(vectors), 1), np.int64)
        return Distinct(alone, alone + len(vectors))
    _, place, count = np.unique(_hashes(vectors), return_inverse=True, return_counts=True)
    repeated = count[place] > 1
    suspects, alone = np.flatnonzero(repeated), np.flatnonzero(~repeated)
    found = _by_value(vectors[suspects])
    first = np.concatenate([alone, suspects[found.first]]).astype(np.int64)
    order = np.argsort(first)
    count = np.concatenate([np.ones(len(alone), np.int64), found.count])
    return Distinct(first[order], count[order])


def _hashes(vectors: F32) -> NDArray[np.uint64]:
    """One number per row, equal for equal rows: its bits in a random linear function modulo 2^64.

    Multilinear hashing: Lemire and Kaser, "Strongly universal string hashing is fast", 2014.
    """
    rng = np.random.default_rng(0)
    keys = rng.integers(1, 2**64 - 1, vectors.shape[1], dtype=np.uint64, endpoint=True)
    hashes = np.empty(len(vectors), np.uint64)
    for start in range(0, len(vectors), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        hashes[chunk] = _plain(vectors[chunk]).view(np.uint32).astype(np.uint64) @ keys
    return hashes


def _plain(vectors: F32) -> F32:
    """A copy in which equal numbers have equal bytes: adding zero turns -0.0 into 0.0."""
    return np.ascontiguousarray(vectors) + np.float32(0)


def _by_value(vectors: F32) -> Distinct:
    """The same for rows that may well be equal, by sorting them."""
    rows = _plain(vectors)
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, count = np.unique(keys, return_index=True, return_counts=True)
    return Distinct(first.astype(np.int64), count.astype(np.int64))


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
