"""TypiClust, MaxHerding and ProbCover: 100 of 20,000 beside scikit-activeml, then 1,000,000.

At the larger size only the memory is measured: theirs, a table of all pairs, would be 8 TB; ours
must stay below 4 GB beyond the pool.
"""

import gc
import os
from collections.abc import Callable, Iterator

import numpy as np

from bench.asked import BATCH, I64, LabelledPool
from bench.memory import MEBIBYTE, own_bytes, watched
from bench.paired import slow
from bench.peers import activeml_labels, missing
from bench.pools import CLASSES, F32, kinds, pool
from bench.rows import Row, compare, skipped
from bench.sizes import sized

ROWS = sized(20_000, 1_000)
LARGE = sized(1_000_000, 3_000)
LABELS = CLASSES
LIMIT_MB = 4096
BOUND = 50
PEER = "scikit-activeml"
SIMILAR = 1 - 1e-4


def run() -> Iterator[Row]:
    """All rows of this case."""
    for name in PEERS:
        yield _memory(name)
    for kind in kinds():
        for name in PEERS:
            yield from _against_peer(name, pool(kind, ROWS), f"{name}-{kind}-{ROWS}")


def _memory(name: str) -> Row:
    choose = LabelledPool(pool("clustered", LARGE), LABELS).choice(name)
    gc.collect()
    before = own_bytes(os.getpid())
    with watched(os.getpid()) as peak:
        choose()
    grown = (peak.bytes - before) / MEBIBYTE
    return compare(f"{name}-memory-{LARGE}", grown, "limit", LIMIT_MB, "<=", 1, unit="MB")


def _against_peer(name: str, vectors: F32, row: str) -> Iterator[Row]:
    picked: dict[str, I64] = {}
    choose = LabelledPool(vectors, LABELS).choice(name)
    try:
        query = PEERS[name]()
    except ModuleNotFoundError as error:
        yield skipped(row, PEER, missing(error))
        return
    labels = activeml_labels(len(vectors), LABELS)
    result = slow(
        lambda: picked.update(ours=choose().row),
        lambda: picked.update(theirs=np.asarray(query(vectors, labels), np.int64)),
    )
    yield compare(row, result.ours_s, PEER, result.other_s, ">=", BOUND, ratio=result.speedup)
    if name == "max_herding":
        ours, theirs = (coverage(vectors, picked[who]) for who in ("ours", "theirs"))
        ratio = ours / theirs
        numbers = (f"{row}-objective", ours, PEER, theirs)
        yield compare(*numbers, ">=", SIMILAR, ratio=ratio, unit="coverage")


def coverage(vectors: F32, chosen: I64) -> float:
    """The mean over the pool of the similarity to the nearest that is labelled or chosen."""
    centres = np.concatenate([vectors[:LABELS], vectors[chosen]]).astype(np.float64)
    # Unit vectors: |x - y|² = 2 - 2xy.
    nearest = (vectors[LABELS:].astype(np.float64) @ centres.T).max(axis=1)
    return float(np.exp(2 * nearest - 2).mean())


Query = Callable[[F32, object], object]


def _typiclust() -> Query:
    from skactiveml.pool import TypiClust

    strategy = TypiClust(random_state=0)
    return lambda vectors, labels: strategy.query(vectors, labels, batch_size=BATCH)


def _max_herding() -> Query:
    from skactiveml.pool import MaxHerding

    strategy = MaxHerding(metric_dict={"gamma": 1.0}, random_state=0)
    return lambda vectors, labels: strategy.query(vectors, labels, batch_size=BATCH)


def _prob_cover() -> Query:
    from skactiveml.pool import ProbCover

    def query(vectors: F32, labels: object) -> object:
        strategy = ProbCover(n_classes=CLASSES, random_state=0)  # it would keep the distances
        return strategy.query(vectors, labels, batch_size=BATCH)

    return query


PEERS = {"typiclust": _typiclust, "max_herding": _max_herding, "prob_cover": _prob_cover}
