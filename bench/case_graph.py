"""The neighbour graph of 1,000,000 real-like items: its time, its memory, its recall.

Built once with the service's own indexing and all threads of the bench, and kept (bench/graph.py):
the time and the memory are those of that build. The recall is judged here, on other rows than the
indexing takes for its own estimate, beside FAISS's exhaustive search, whose time for all rows is
scaled up from these.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.graph import built
from bench.memory import MEBIBYTE
from bench.paired import seconds
from bench.pools import F32, has_real, pool
from bench.rows import Row, compare
from bench.sizes import SMALL, THREADS, sized

ROWS = sized(1_000_000, 2_000)
CHECKED = sized(1_000, 100)
WANTED = 0.95
LIMIT_MB = 4096
EQUAL = 1 + 1e-5


def indexed_kind() -> str:
    """The kind of pool that has an index: real embeddings, where they are at hand."""
    return "real" if has_real() and not SMALL else "clustered"


def run() -> Iterator[Row]:
    """All rows of this case."""
    vectors, name = pool(indexed_kind(), ROWS), f"graph-{indexed_kind()}-{ROWS}"
    graph = built(vectors)
    rows = np.sort(np.random.default_rng(5).choice(len(vectors), CHECKED, replace=False))
    count = graph.index.neighbours.shape[1]
    true, searched_s = _exhaustive(vectors, rows, count)
    exhaustive_s = searched_s * len(vectors) / CHECKED
    yield compare(name, graph.graph_s, "FAISS flat, scaled", exhaustive_s, ">=", 1)
    recall = _recall(graph.index.distances[rows], true)
    numbers = (f"{name}-recall", recall, "wanted", WANTED)
    yield compare(*numbers, ">=", 1, ratio=recall / WANTED, unit="share")
    told = graph.index.recall
    numbers = (f"{name}-recall-told", told, "recall found here", recall)
    yield compare(*numbers, ">=", 0, ratio=told / recall, unit="share")
    memory = graph.graph_bytes / MEBIBYTE
    yield compare(f"{name}-memory", memory, "limit", LIMIT_MB, "<=", 1, unit="MB")


def _exhaustive(
    vectors: F32, rows: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float32], float]:
    """Distances (m, count) to the true neighbours of these rows, and the seconds it took."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    flat = faiss.IndexFlatL2(vectors.shape[1])
    flat.add(vectors)
    found: dict[str, NDArray[np.int64]] = {}

    def search() -> None:
        found["numbers"] = flat.search(vectors[rows], count + 1)[1]

    searched_s = seconds(search)
    numbers = found["numbers"]
    apart = vectors[numbers] - vectors[rows][:, None, :]
    exact = np.sqrt(np.einsum("mcd,mcd->mc", apart, apart))
    exact[numbers == rows[:, None]] = np.inf  # the row itself
    return np.sort(exact, axis=1)[:, :count], searched_s


def _recall(found: NDArray[np.float32], true: NDArray[np.float32]) -> float:
    """The share of the found that are as near as the true ones."""
    return float((found <= true[:, -1:] * EQUAL).mean())
