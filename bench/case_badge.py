"""BADGE: a batch of 100 from 100,000 items of 10 classes, beside scikit-activeml's Badge.

Theirs writes every gradient out, 3 GB of them; ours never does. Both begin with the longest
gradient and draw the others at random, so that their picks are not the same; that ours follow the
definition is a matter of the tests. Then ours on ten times as many items, beside ours.
"""

from collections.abc import Callable, Iterator

import numpy as np

from alservice.core.gradients import badge
from bench.asked import BATCH, SCORING, block_of
from bench.paired import paired, slow
from bench.peers import activeml_labels, activeml_model, missing
from bench.pools import CLASSES, DIMENSION, F32, head, kinds, pool
from bench.rows import Row, compare, skipped
from bench.sizes import sized

ROWS = sized(100_000, 300)
LARGE = sized(1_000_000, 1_000)
ROUNDS = sized(3, 1)
PEER = "scikit-activeml Badge"


def run() -> Iterator[Row]:
    """All rows of this case."""
    for kind in kinds():
        name = f"badge-{kind}-{ROWS}"
        ours = _ours(pool(kind, ROWS))
        yield from _against_peer(ours, pool(kind, ROWS), name)
        yield _against_itself(_ours(pool(kind, LARGE)), ours, f"badge-{kind}-{LARGE}")


def _ours(vectors: F32) -> Callable[[], object]:
    model, engine = head(), SCORING.engine
    blocks, nothing = [block_of(vectors, np.arange(CLASSES))], np.zeros((0, DIMENSION), np.float32)
    return lambda: badge(
        engine, blocks, model.weights, model.bias, nothing, BATCH, 1, origin_anchor=False
    )


def _against_peer(ours: Callable[[], object], vectors: F32, name: str) -> Iterator[Row]:
    try:
        theirs = _activeml(vectors)
    except ModuleNotFoundError as error:
        yield skipped(name, PEER, missing(error))
        return
    result = slow(ours, theirs)
    yield compare(name, result.ours_s, PEER, result.other_s, ">=", 100, ratio=result.speedup)


def _against_itself(larger: Callable[[], object], ours: Callable[[], object], name: str) -> Row:
    result = paired(larger, ours, rounds=ROUNDS)
    peer = f"ours, {ROWS} items"
    return compare(name, result.ours_s, peer, result.other_s, "<=", 15, ratio=1 / result.speedup)


def _activeml(vectors: F32) -> Callable[[], object]:
    from skactiveml.pool import Badge

    strategy = Badge(random_state=0)
    model, labels = activeml_model(vectors), activeml_labels(len(vectors), CLASSES)
    return lambda: strategy.query(vectors, labels, model, fit_clf=False, batch_size=BATCH)
