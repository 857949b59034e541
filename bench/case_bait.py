"""BAIT for one Fisher matrix: a batch of 100 from 100,000, beside NumPy that does each step whole.

Each of its steps takes the products of all rows with two d × d matrices, O(N d²); ours keeps the
quadratic forms and mends them, O(N d). At the full size NumPy is run for a small batch, and the
time of its steps scaled up; the picks are compared for that batch, and for a whole one on a tenth
of the rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alservice.core import Engine
from alservice.core.design import bait, outer_sum
from bench.asked import I64, SCORING
from bench.paired import seconds
from bench.pools import F32, head, kinds, pool
from bench.rows import Row, compare
from bench.sizes import sized

F64 = NDArray[np.float64]

ROWS = sized(100_000, 500)
FEWER = sized(10_000, 300)
BATCH = sized(100, 10)
PART = 5  # of the batch
OVER = 2
LABELS = 100
PENALTY = 0.01
BOUND = 50


@dataclass(frozen=True, slots=True)
class Design:
    """Rows (n, d) with weights (n,), M of what is labelled, and the Fisher matrix of the pool."""

    vectors: F32
    weights: F32
    start: F64
    fisher: F64

    def ours(self, engine: Engine, count: int) -> I64:
        """By the core."""
        inverse = np.asarray(np.linalg.inv(self.start), np.float64)
        return bait(engine, self.vectors, self.weights, inverse, self.fisher, count, OVER)

    def theirs(self, count: int) -> I64:
        """By the definition: greedy forward, then backward until `count` are left."""
        rows = self.vectors.astype(np.float64)
        rows *= np.sqrt(self.weights.astype(np.float64))[:, None]
        inverse = np.asarray(np.linalg.inv(self.start), np.float64)
        chosen: list[int] = []
        while len(chosen) < min(OVER * count, len(rows)):
            own, shared = _forms(rows, inverse, self.fisher)
            score = shared / (1 + own)
            score[chosen] = -np.inf
            best = int(np.argmax(score))
            chosen.append(best)
            along = inverse @ rows[best]
            inverse -= np.outer(along, along) / (1 + own[best])
        while len(chosen) > count:
            own, shared = _forms(rows[chosen], inverse, self.fisher)
            worst = int(np.argmin(shared / (1 - own)))
            along = inverse @ rows[chosen.pop(worst)]
            inverse += np.outer(along, along) / (1 - own[worst])
        return np.array(chosen, np.int64)


def run() -> Iterator[Row]:
    """All rows of this case."""
    engine = SCORING.engine
    for kind in kinds():
        yield from _times(engine, design(engine, pool(kind, ROWS)), f"bait-{kind}-{ROWS}")
        whole = design(engine, pool(kind, FEWER))
        name = f"bait-{kind}-{FEWER}-picks"
        yield _picks(name, whole.ours(engine, BATCH), whole.theirs(BATCH))


def design(engine: Engine, vectors: F32) -> Design:
    """The first rows are labelled; a weight is the variance of the most likely class."""
    model = head()
    most = engine.probabilities(vectors, model.weights, model.bias).max(axis=1)
    variance = most * (1 - most)
    share = LABELS / (LABELS + BATCH)
    known = outer_sum(engine, vectors[:LABELS], variance[:LABELS]) / LABELS * share
    start = known + PENALTY / (LABELS + BATCH) * np.eye(vectors.shape[1])
    weights = np.asarray(variance / (LABELS + BATCH), np.float32)
    return Design(vectors, weights, start, outer_sum(engine, vectors, variance) / len(vectors))


def _times(engine: Engine, case: Design, name: str) -> Iterator[Row]:
    picked: dict[str, I64] = {}
    part = seconds(lambda: picked.update(theirs=case.theirs(PART)))
    picked["ours"] = case.ours(engine, PART)
    yield _picks(f"{name}-picks-of-{PART}", picked["ours"], picked["theirs"])
    ours_s = _median_of_three(engine, case)
    theirs_s = part * BATCH / PART
    peer = f"NumPy, steps of {PART} scaled to {BATCH}"
    yield compare(name, ours_s, peer, theirs_s, ">=", BOUND)


def _median_of_three(engine: Engine, case: Design) -> float:
    return float(np.median([seconds(lambda: case.ours(engine, BATCH)) for _ in range(3)]))


def _picks(name: str, ours: I64, theirs: I64) -> Row:
    """How many of theirs are ours, too."""
    both = len(np.intersect1d(ours, theirs))
    peer = "NumPy"
    return compare(name, both, peer, len(theirs), ">=", 1, ratio=both / len(theirs), unit="picks")


def _forms(rows: F64, inverse: F64, fisher: F64) -> tuple[F64, F64]:
    """xᵀM⁻¹x and xᵀM⁻¹FM⁻¹x of every row."""
    own = np.einsum("ij,ij->i", rows @ inverse, rows)
    return own, np.einsum("ij,ij->i", rows @ (inverse @ fisher @ inverse), rows)
