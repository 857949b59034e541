"""The index of a pool, built once by the service's own indexing and kept for later runs.

It takes many minutes at a million rows, so the file is found again by the hash of the vectors,
with the time, the memory and the recall measured when it was built. Remove the folder to measure
anew.
"""

import gc
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Engine
from alservice.domain.near_duplicates import near_duplicates
from alservice.domain.pool_index import PoolIndex
from alservice.index.background import BackgroundIndexing
from alservice.ports.neighbours import Neighbours
from alservice.usecases.build_index import USUAL_NEIGHBOURS
from bench.asked import block_of
from bench.memory import own_bytes, watched
from bench.paired import seconds
from bench.pools import F32
from bench.sizes import THREADS

_VERSION: Final = 1  # of the file
SEED: Final = 1
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Built:
    """An index, and what building its graph took: seconds, and bytes of memory beyond the pool."""

    index: PoolIndex
    graph_s: float
    graph_bytes: int


def built(vectors: F32) -> Built:
    """The index of these vectors, from the folder or built now."""
    file = _folder() / f"{_name(vectors)}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".unfinished.npz")
        np.savez(unfinished, allow_pickle=False, **_build(vectors))
        unfinished.rename(file)
    with np.load(file, allow_pickle=False) as kept:
        return _read(dict(kept))


def _folder() -> Path:
    named = os.environ.get("ALSERVICE_BENCH_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "alservice-bench"


def _name(vectors: F32) -> str:
    content = hashlib.blake2b(np.ascontiguousarray(vectors).data, digest_size=12).hexdigest()
    return f"graph-{_VERSION}-{len(vectors)}-{USUAL_NEIGHBOURS}-{THREADS}-{content}"


def _build(vectors: F32) -> Arrays:
    indexing, blocks = BackgroundIndexing(Engine(THREADS)), [block_of(vectors)]
    found, graph_s, graph_bytes = _graph(indexing, blocks)
    twins = indexing.twins(blocks, _told, CancelFlag())
    clusters = indexing.clusters(blocks, SEED, _told, CancelFlag())
    return {
        "offsets": np.array([0, len(vectors)], np.int64),
        "neighbours": found.numbers,
        "distances": found.distances,
        "cluster": clusters.assignment,
        "centres": clusters.centres,
        "duplicate_of": near_duplicates(found.numbers, found.distances, twins),
        "recall": np.array(found.recall),
        "graph_s": np.array(graph_s),
        "graph_bytes": np.array(graph_bytes),
    }


def _graph(indexing: BackgroundIndexing, blocks: list[Block]) -> tuple[Neighbours, float, int]:
    parts: list[Neighbours] = []

    def work() -> None:
        parts.append(indexing.neighbours(blocks, USUAL_NEIGHBOURS, _told, CancelFlag()))

    gc.collect()
    before = own_bytes(os.getpid())
    with watched(os.getpid(), interval_s=0.1) as peak:
        graph_s = seconds(work)
    return parts[0], graph_s, peak.bytes - before


def _told(share: float, text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{share:6.1%} {text:<40}")


def _read(kept: Arrays) -> Built:
    index = PoolIndex(
        artefact_id="bench",
        offsets=kept["offsets"],
        neighbours=kept["neighbours"],
        distances=kept["distances"],
        cluster=kept["cluster"],
        centres=kept["centres"],
        duplicate_of=kept["duplicate_of"],
        recall=float(kept["recall"]),
    )
    return Built(index, float(kept["graph_s"]), int(kept["graph_bytes"]))
