"""True nearest neighbours: of every row of a small pool, of a sample of a large one."""

import numpy as np
from numpy.typing import NDArray

from alservice.core import CancelFlag
from alservice.core.clustering import neighbours
from alservice.index.pool_vectors import PoolVectors
from alservice.ports.neighbours import Report

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Found = tuple[I32, F32]  # numbers (m, k), -1 for none; Euclidean distances (m, k)

QUERIES = 2048
BASE_ROWS = 65_536


def without_self(rows: I64, numbers: I32, values: F32, count: int) -> Found:
    """The first `count` columns (m, count) after each row itself is left out, wherever it is.

    Where it is not among them, as with many equal vectors, the last column goes.
    """
    own = numbers == rows[:, None]
    own[:, -1] |= ~own.any(axis=1)
    kept = ~own
    shape = (len(rows), numbers.shape[1] - 1)
    numbers, values = numbers[kept].reshape(shape), values[kept].reshape(shape)
    return numbers[:, :count], values[:, :count]


def all_neighbours(pool: PoolVectors, count: int, report: Report, cancel: CancelFlag) -> Found:
    """The neighbours of every row, by comparing all with all."""
    base = pool.read(0, len(pool))
    numbers, distances = no_neighbours(len(pool), count)
    for start, stop in pool.slices(QUERIES, cancel):
        found = neighbours(pool.engine, base[start:stop], base, count + 1, cancel)
        rows = np.arange(start, stop, dtype=np.int64)
        some, squared = without_self(rows, *found, count)
        numbers[start:stop], distances[start:stop] = some, np.sqrt(squared)
        report(stop / len(pool), "comparing all items with all")
    return numbers, distances


def neighbours_of(
    pool: PoolVectors, rows: I64, count: int, report: Report, cancel: CancelFlag
) -> Found:
    """The neighbours of a few rows (m,), by comparing them with all."""
    queries = pool.take(rows)
    numbers, squared = no_neighbours(len(rows), count + 1)
    for start, stop in pool.slices(BASE_ROWS, cancel):
        some, more = neighbours(pool.engine, queries, pool.read(start, stop), count + 1, cancel)
        some = np.where(some < 0, some, some + np.int32(start)).astype(np.int32)
        numbers, squared = nearest(
            np.hstack([numbers, some]), np.hstack([squared, more]), count + 1
        )
        report(stop / len(pool), "comparing a sample with all items")
    numbers, squared = without_self(rows, numbers, squared, count)
    return numbers, np.sqrt(squared)


def nearest(numbers: I32, values: F32, count: int) -> Found:
    """The columns (m, count) of the least values, ties by the lower number."""
    order = np.lexsort((numbers, values), axis=1)[:, :count]
    return np.take_along_axis(numbers, order, 1), np.take_along_axis(values, order, 1)


def no_neighbours(rows: int, count: int) -> Found:
    """The table (rows, count) of those who have none."""
    return np.full((rows, count), -1, np.int32), np.full((rows, count), np.inf, np.float32)
