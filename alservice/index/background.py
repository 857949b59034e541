"""The index of a pool, built beside the queries: half of the threads, a slice at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Engine
from alservice.index.approximate import (
    approximate_neighbours,
    faiss_threads,
    graph_candidates,
    list_candidates,
)
from alservice.index.clusters import cluster
from alservice.index.exact import all_neighbours
from alservice.index.pool_vectors import PoolVectors
from alservice.index.twins import first_twins
from alservice.index.ways import Limits, Size, Way, half_of_memory
from alservice.ports.neighbours import Clusters, Neighbours, Report


def _usual() -> Limits:
    return Limits(build_bytes=half_of_memory())


@dataclass(frozen=True, slots=True)
class BackgroundIndexing:
    """A PoolIndexing; `limits` decide which way neighbours are found."""

    engine: Engine
    limits: Limits = field(default_factory=_usual)

    @classmethod
    def beside(cls, threads: int) -> "BackgroundIndexing":
        """On half of the threads of a server, but one at least."""
        return cls(Engine(max(1, threads // 2)))

    def check(self, rows: int, dimension: int, count: int) -> None:
        """Raise IndexTooLarge if a build would not fit into memory."""
        self.limits.way(Size(rows, dimension, count))

    def neighbours(
        self, blocks: Sequence[Block], count: int, report: Report, cancel: CancelFlag
    ) -> Neighbours:
        """The nearest neighbours of every row."""
        pool = PoolVectors(self.engine, blocks)
        way = self.limits.way(Size(len(pool), pool.dimension, count))
        if way is Way.EXACT:
            numbers, distances = all_neighbours(pool, count, report, cancel)
            return Neighbours(numbers=numbers, distances=distances, recall=1.0, method="exact")
        make = graph_candidates if way is Way.GRAPH else list_candidates
        with faiss_threads(self.engine.threads):
            return approximate_neighbours(pool, count, make, report, cancel)

    def clusters(
        self, blocks: Sequence[Block], seed: int, report: Report, cancel: CancelFlag
    ) -> Clusters:
        """About a hundred rows per cluster."""
        return cluster(PoolVectors(self.engine, blocks), seed, report, cancel)

    def twins(
        self, blocks: Sequence[Block], report: Report, cancel: CancelFlag
    ) -> NDArray[np.int32]:
        """The first row equal to each."""
        return first_twins(PoolVectors(self.engine, blocks), report, cancel)
