"""Uncertainty herding, and `auto` in each of its phases, beside one margin pass over the pool.

A million items; the pool of real embeddings has its index, the synthetic ones are chosen from
without. Each phase of `auto` is measured at the number of labels where it begins to be used.
"""

from collections.abc import Iterator

from alservice.domain.pool_index import PoolIndex
from bench.asked import SCORING, LabelledPool
from bench.case_graph import indexed_kind
from bench.case_uncertainty import fused
from bench.graph import built
from bench.paired import paired
from bench.pools import F32, kinds, pool
from bench.rows import Row, compare
from bench.sizes import sized

ROWS = sized(1_000_000, 2_000)
LABELS = sized((0, 100, 1_000, 10_000), (0, 100, 1_000))
ROUNDS = sized(5, 1)
BOUND = 20


def run() -> Iterator[Row]:
    """All rows of this case."""
    for kind in kinds():
        vectors = pool(kind, ROWS)
        index = built(vectors).index if kind == indexed_kind() else None
        name = f"{kind}-{ROWS}" if index else f"{kind}-{ROWS}-no-index"
        herding = LabelledPool(vectors, LABELS[1], index)
        yield _against_margin(herding, "uncertainty_herding", f"uncertainty_herding-{name}")
        yield from _phases(vectors, index, name)


def _phases(vectors: F32, index: PoolIndex | None, name: str) -> Iterator[Row]:
    seen = set()
    for labels in LABELS:
        labelled = LabelledPool(vectors, labels, index)
        plan = labelled.plan("auto")
        phase = (plan.name, tuple(plan.parameters.items()))
        if phase not in seen:
            seen.add(phase)
            yield _against_margin(labelled, "auto", f"auto-{labels}-labels-{plan.name}-{name}")


def _against_margin(labelled: LabelledPool, strategy: str, name: str) -> Row:
    margin = fused(SCORING.engine, labelled.vectors, "margin")
    result = paired(labelled.choice(strategy), margin, rounds=ROUNDS)
    ratio = 1 / result.speedup
    peer = "one margin pass"
    return compare(name, result.ours_s, peer, result.other_s, "<=", BOUND, ratio=ratio)
