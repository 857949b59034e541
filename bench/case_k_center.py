"""Greedy k-center: a batch of 100 from 100,000 vectors, beside scikit-activeml's CoreSet."""

import importlib
from collections.abc import Iterator

import numpy as np

from alservice.core import Engine
from bench.case_uncertainty import BATCH, block_of
from bench.paired import paired
from bench.pools import F32, kinds, pool
from bench.rows import Row, compare, skipped
from bench.sizes import THREADS, sized

ROWS = sized(100_000, 1_000)
ANCHORS = 10


def run() -> Iterator[Row]:
    """All rows of this case."""
    try:
        importlib.import_module("skactiveml.pool")
    except ModuleNotFoundError as error:
        reason = f"{error}; pip install 'alservice[bench]'"
        yield skipped(f"k_center-{ROWS}", "scikit-activeml CoreSet", reason)
        return
    engine = Engine(THREADS)
    for kind in kinds():
        vectors = pool(kind, ROWS)
        yield from _against_core_set(engine, vectors, f"k_center-{kind}-{ROWS}")


def covering_radius(vectors: F32, chosen: np.ndarray) -> float:
    """The greatest distance from a vector to its nearest chosen one or anchor."""
    centres = np.concatenate([vectors[:ANCHORS], vectors[chosen]]).astype(np.float64)
    worst = 0.0
    for begin in range(0, len(vectors), 8192):
        rows = vectors[begin : begin + 8192].astype(np.float64)
        squared = (rows**2).sum(1)[:, None] + (centres**2).sum(1) - 2 * rows @ centres.T
        worst = max(worst, float(squared.min(axis=1).max()))
    return float(np.sqrt(max(worst, 0.0)))


def _against_core_set(engine: Engine, vectors: F32, name: str) -> Iterator[Row]:
    from skactiveml.pool import CoreSet

    labels = np.full(len(vectors), np.nan)
    labels[:ANCHORS] = 0
    block = block_of(vectors)
    block.excluded[0] = 0xFF
    block.excluded[1] |= 0b11
    picked: dict[str, np.ndarray] = {}

    def ours() -> None:
        picked["ours"] = engine.k_center([block], vectors[:ANCHORS], BATCH, 1).row

    def theirs() -> None:
        strategy = CoreSet(random_state=0)
        picked["theirs"] = strategy.query(vectors, labels, batch_size=BATCH)

    result = paired(ours, theirs, rounds=3, warm=0)
    yield compare(
        name,
        result.ours_s,
        "scikit-activeml CoreSet",
        result.other_s,
        ">=",
        10,
        ratio=result.speedup,
    )
    radius = {who: covering_radius(vectors, rows) for who, rows in picked.items()}
    yield compare(
        f"{name}-radius",
        radius["ours"],
        "scikit-activeml CoreSet",
        radius["theirs"],
        "<=",
        1.001,
        unit="distance",
    )
