"""Nearest neighbours of a large pool: a FAISS index finds candidates, exact distances rank them.

The FAISS index lives only while the graph is built and is never stored: files of FAISS are
trusted input to its reader, and they do not outlive its versions. Facts that decided: an HNSW
graph over 8-bit codes finds more, and sooner, than inverted lists do where the data are diffuse
(Malkov and Yashunin 2018; measured at 100,000 rows); beyond some millions its memory is too much,
and product codes in inverted lists (Jégou et al. 2011) take over.

A call into FAISS does not look at a request to stop. So each is small enough for a second or two:
the centres of the lists come from our own k-means, which does look, and FAISS learns only the
codes, from few rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from alservice.core import CancelFlag
from alservice.core.clustering import k_means
from alservice.index.exact import Found, nearest, neighbours_of, no_neighbours, without_self
from alservice.index.pool_vectors import SAMPLE_BYTES, PoolVectors
from alservice.index.ways import LINKS
from alservice.ports.neighbours import Neighbours, Report

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

# A second or two each: so long may a request to stop have to wait.
ADD_ROWS: Final = 2048
SEARCH_ROWS: Final = 1024
CALL_BYTES: Final = 4 * 2**20  # of vectors that are added, searched or learnt from in one call
FEWEST_CODE_ROWS: Final = 624  # 39 for each of 16 codes; FAISS complains of fewer
RANKED_BYTES: Final = 32 * 2**20  # of candidates whose distances are taken at once
GRAPH_SAMPLE: Final = 65_536
LIST_SAMPLE: Final = 262_144
ROWS_PER_LIST: Final = 40  # of the sample
LIST_ITERATIONS: Final = 8
LIST_SEED: Final = 0
CHECKED_ROWS: Final = 300
WANTED_RECALL: Final = 0.95
TRIES: Final = 3
_CLOSE: Final = 1 + 1e-5  # equal distances differ in the last digits
# How the time of the whole is divided, about.
_ADDED: Final = 0.5
_CHECKED: Final = 0.6


@dataclass(frozen=True, slots=True)
class Candidates:
    """A trained index. `widen` doubles how much of it a search looks at.

    A search asks for `factor` times as many candidates as wanted, for the codes are coarse.
    """

    index: Any
    factor: int
    widen: Callable[[], None]
    method: Callable[[], str]


Make = Callable[[PoolVectors, CancelFlag], Candidates]


@contextmanager
def faiss_threads(threads: int) -> Iterator[None]:
    """So many threads for FAISS in the calling thread: the setting is that thread's own."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def graph_candidates(pool: PoolVectors, _cancel: CancelFlag) -> Candidates:
    """HNSW over 8-bit codes: `d` + 8 * LINKS bytes per row."""
    index: Any = faiss.index_factory(pool.dimension, f"HNSW{LINKS}_SQ8")
    index.hnsw.efConstruction = 80
    index.hnsw.efSearch = 64
    # It learns the least and the greatest number of each dimension, which takes no time.
    index.train(_sample(pool, GRAPH_SAMPLE))

    def widen() -> None:
        index.hnsw.efSearch *= 2

    return Candidates(index, 2, widen, lambda: f"HNSW{LINKS},SQ8, ef {index.hnsw.efSearch}")


def list_candidates(pool: PoolVectors, cancel: CancelFlag) -> Candidates:
    """Inverted lists of 4-bit product codes: about `d` / 4 + 8 bytes per row. Raises Cancelled."""
    sample = _sample(pool, LIST_SAMPLE)
    lists = max(1, min(int(4 * len(pool) ** 0.5), len(sample) // ROWS_PER_LIST))
    parts = max(p for p in range(1, max(pool.dimension // 2, 1) + 1) if pool.dimension % p == 0)
    index: Any = faiss.index_factory(pool.dimension, f"IVF{lists},PQ{parts}x4fs")
    index.nprobe = min(32, lists)
    centres = k_means(pool.engine, sample, None, lists, LIST_SEED, LIST_ITERATIONS, cancel).centres
    index.quantizer.add(centres)  # lists that have their centres are not trained
    rows = max(FEWEST_CODE_ROWS, pool.fitting(len(sample), 3 * CALL_BYTES))
    index.train(sample[evenly(len(sample), rows)])

    def widen() -> None:
        index.nprobe = min(2 * index.nprobe, lists)

    return Candidates(index, 8, widen, lambda: f"IVF{lists},PQ{parts}x4fs, {index.nprobe} lists")


def approximate_neighbours(
    pool: PoolVectors, count: int, make: Make, report: Report, cancel: CancelFlag
) -> Neighbours:
    """The neighbours of every row; searched wider, twice, where too few of a sample's are found.

    What was found last is kept then, with its recall told.
    """
    candidates = _filled(pool, make, report, cancel)
    recall = _tuned(pool, candidates, count, report, cancel)
    numbers, distances = no_neighbours(len(pool), count)
    for start, stop in pool.slices(SEARCH_ROWS, cancel, CALL_BYTES):
        some = np.arange(start, stop, dtype=np.int64)
        numbers[start:stop], distances[start:stop] = _search(pool, candidates, some, count)
        report(_CHECKED + (1 - _CHECKED) * stop / len(pool), "searching neighbours")
    return Neighbours(
        numbers=numbers, distances=distances, recall=recall, method=candidates.method()
    )


def recall_of(true: F32, found: F32) -> float:
    """The share of true neighbours (m, k) that were found, judged by distance: ties are equal."""
    there = np.isfinite(true)
    if not there.any():
        return 1.0
    farthest = np.where(there, true, -np.inf).max(axis=1, keepdims=True)
    hits = np.minimum((found <= farthest * _CLOSE).sum(axis=1), there.sum(axis=1))
    return float(hits.sum() / there.sum())


def _sample(pool: PoolVectors, count: int) -> F32:
    rows = pool.fitting(count, SAMPLE_BYTES)
    return pool.take(evenly(len(pool), rows))


def evenly(rows: int, count: int) -> I64:
    """At most `count` row numbers, evenly spaced."""
    return np.unique(np.linspace(0, rows - 1, min(count, rows)).round().astype(np.int64))


def _filled(pool: PoolVectors, make: Make, report: Report, cancel: CancelFlag) -> Candidates:
    report(0.0, "training the codes")
    candidates = make(pool, cancel)
    for start, stop in pool.slices(ADD_ROWS, cancel, CALL_BYTES):
        candidates.index.add(pool.read(start, stop))
        report(_ADDED * stop / len(pool), "linking items")
    return candidates


def _tuned(
    pool: PoolVectors, candidates: Candidates, count: int, report: Report, cancel: CancelFlag
) -> float:
    """Look wider until enough of a sample's neighbours are found; the recall at the end."""
    rows = evenly(len(pool), CHECKED_ROWS)
    told: Report = lambda _, text: report(_ADDED, text)  # noqa: E731
    _, true = neighbours_of(pool, rows, count, told, cancel)
    recall = 0.0
    for attempt in range(TRIES):
        if attempt:
            candidates.widen()
        recall = recall_of(true, _search(pool, candidates, rows, count)[1])
        report(_CHECKED, f"found {recall:.1%} of a sample's neighbours")
        if recall >= WANTED_RECALL:
            break
    return recall


def _search(pool: PoolVectors, candidates: Candidates, rows: I64, count: int) -> Found:
    """The nearest of the candidates, by exact distance."""
    queries = pool.take(rows)
    wanted = min(candidates.factor * (count + 1), len(pool))
    _, found = candidates.index.search(queries, wanted)
    exact = _distances(pool, queries, found)
    ranked = nearest(found.astype(np.int32), exact, found.shape[1])
    kept, near = without_self(rows, *ranked, count)
    numbers, distances = no_neighbours(len(rows), count)
    numbers[:, : kept.shape[1]] = np.where(np.isfinite(near), kept, -1)
    distances[:, : kept.shape[1]] = near
    return numbers, distances


def _distances(pool: PoolVectors, queries: F32, found: I64) -> F32:
    """Euclidean distances (m, c) from each query to its candidates; infinite for -1."""
    distances = np.full(found.shape, np.inf, np.float32)
    step = max(1, RANKED_BYTES // (found.shape[1] * queries.shape[1] * 4))
    for start in range(0, len(queries), step):
        some = found[start : start + step]
        vectors = pool.take(np.maximum(some, 0).reshape(-1)).reshape(*some.shape, -1)
        vectors -= queries[start : start + step, None, :]
        exact = np.sqrt(np.einsum("mcd,mcd->mc", vectors, vectors))
        distances[start : start + step] = np.where(some >= 0, exact, np.inf)
    return distances
