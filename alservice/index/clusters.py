"""Clusters of a pool: k-means on a sample, then every row to its nearest centre."""

import numpy as np

from alservice.core import CancelFlag, keyed_hash
from alservice.core.clustering import k_means, nearest_centres
from alservice.index.pool_vectors import SAMPLE_BYTES, PoolVectors
from alservice.ports.neighbours import Clusters, Report

SAMPLE_ROWS = 100_000
ROWS_PER_CLUSTER = 100
FEWEST, MOST = 8, 500
ROWS = 32_768
_SAMPLED = 0.6  # of the time, about


def cluster_count(rows: int) -> int:
    """How many clusters so many rows get."""
    return min(rows, max(FEWEST, min(rows // ROWS_PER_CLUSTER, MOST)))


def cluster(pool: PoolVectors, seed: int, report: Report, cancel: CancelFlag) -> Clusters:
    """The clusters; the sample is drawn by keyed hash, so that no cut of the pool changes it."""
    drawn = pool.fitting(SAMPLE_ROWS, SAMPLE_BYTES)
    order = np.argsort(keyed_hash(pool.id_hashes, seed), kind="stable")[:drawn]
    sample = pool.take(order.astype(np.int64))
    report(0.0, "clustering a sample")
    count = min(cluster_count(len(pool)), len(sample))
    centres = k_means(pool.engine, sample, None, count, seed, cancel=cancel).centres
    assignment = np.zeros(len(pool), np.int32)
    for start, stop in pool.slices(ROWS, cancel):
        nearest, _ = nearest_centres(pool.engine, pool.read(start, stop), centres, cancel)
        assignment[start:stop] = nearest
        report(_SAMPLED + (1 - _SAMPLED) * stop / len(pool), "finding each item's cluster")
    return Clusters(assignment, centres)
