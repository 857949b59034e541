"""Rows whose vectors are equal number by number."""

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.core import CancelFlag, Cancelled
from alservice.index.pool_vectors import SLICE_BYTES, PoolVectors
from alservice.ports.neighbours import Report

I32 = NDArray[np.int32]
ROWS = 16_384


def first_twins(pool: PoolVectors, report: Report, cancel: CancelFlag) -> I32:
    """The first row (N,) equal to each, found by hash and then compared.

    Raises Cancelled.
    """
    hashes = np.zeros(len(pool), np.uint64)
    for start, stop in pool.slices(ROWS, cancel):
        hashes[start:stop] = _hashes(pool.read(start, stop))
        report(stop / len(pool), "looking for equal items")
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    twin = first[inverse].astype(np.int64)
    repeated = np.flatnonzero(twin != np.arange(len(pool)))
    step = pool.fitting(ROWS, SLICE_BYTES)
    for start in range(0, len(repeated), step):
        if cancel.cancelled:
            raise Cancelled
        rows = repeated[start : start + step]
        equal = (pool.take(rows) == pool.take(twin[rows])).all(axis=1)
        twin[rows[~equal]] = rows[~equal]
    return twin.astype(np.int32)


def _hashes(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    vectors += np.float32(0)  # -0 becomes 0, which it equals
    width = vectors.shape[1] * vectors.itemsize
    offsets = np.arange(len(vectors) + 1, dtype=np.int64) * width
    return core.hash_ids(vectors.reshape(-1).view(np.uint8), offsets)
