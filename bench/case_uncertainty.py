"""Margin and entropy over the whole pool, with the top 100, inside the core.

Beside modAL and scikit-activeml, which get the same linear model behind `predict_proba`, and
beside a threaded pass that merely sums the same array: the limit of the memory.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from alservice.core import Engine
from bench.asked import BATCH, block_of
from bench.paired import paired
from bench.peers import activeml_labels, activeml_model, missing, sklearn_model
from bench.pools import CLASSES, F32, head, kinds, pool
from bench.rows import Row, compare, skipped
from bench.sizes import THREADS, sized

SIZES = sized((100_000, 1_000_000), (2_000,))


def run() -> Iterator[Row]:
    """All rows of this case."""
    engine = Engine(THREADS)
    for kind in kinds():
        for rows in SIZES:
            vectors = pool(kind, rows)
            for measure in ("margin", "entropy"):
                yield from _against_peers(engine, vectors, measure, f"{measure}-{kind}-{rows}")
                yield from _against_memory(engine, vectors, measure, f"{measure}-{kind}-{rows}")


def fused(engine: Engine, vectors: NDArray[np.generic], measure: str) -> Callable[[], object]:
    """The pass as Query runs it."""
    model, block = head(), block_of(vectors)
    return lambda: engine.score_top_k([block], model.weights, model.bias, measure, BATCH, 1)


def _against_peers(engine: Engine, vectors: F32, measure: str, name: str) -> Iterator[Row]:
    rounds = 5 if len(vectors) <= 100_000 else 3
    ours = fused(engine, vectors, measure)
    for peer, (make, bound) in PEERS.items():
        try:
            theirs = make(vectors, measure)
        except ModuleNotFoundError as error:
            yield skipped(name, peer, missing(error))
            continue
        result = paired(ours, theirs, rounds=rounds)
        yield compare(name, result.ours_s, peer, result.other_s, ">=", bound, ratio=result.speedup)


def _against_memory(engine: Engine, vectors: F32, measure: str, name: str) -> Iterator[Row]:
    ours = fused(engine, vectors, measure)
    result = paired(ours, lambda: engine.sum(vectors), rounds=9)
    yield compare(
        name, result.ours_s, "sum of the array", result.other_s, "<=", 2, ratio=1 / result.speedup
    )
    halves = vectors.astype(np.float16)
    result = paired(fused(engine, halves, measure), ours, rounds=9)
    yield compare(
        f"{name}-f16",
        result.ours_s,
        "ours in f32",
        result.other_s,
        "<=",
        1,
        ratio=1 / result.speedup,
    )


def _modal(vectors: F32, measure: str) -> Callable[[], object]:
    from modAL.models import ActiveLearner
    from modAL.uncertainty import entropy_sampling, margin_sampling

    query = {"margin": margin_sampling, "entropy": entropy_sampling}[measure]
    learner = ActiveLearner(estimator=sklearn_model(head()), query_strategy=query)
    return lambda: learner.query(vectors, n_instances=BATCH)


def _skactiveml(vectors: F32, measure: str) -> Callable[[], object]:
    from skactiveml.pool import UncertaintySampling

    method = {"margin": "margin_sampling", "entropy": "entropy"}[measure]
    strategy = UncertaintySampling(method=method, random_state=0)
    model, labels = activeml_model(vectors), activeml_labels(len(vectors), CLASSES)
    return lambda: strategy.query(vectors, labels, model, fit_clf=False, batch_size=BATCH)


# How to make each peer's pass over the pool, and by how much it is to be beaten.
PEERS = {"modAL": (_modal, 3), "scikit-activeml": (_skactiveml, 15)}
