"""A pool with labels and a model, asked for a batch as Query asks, without the server round it.

The first rows of the pool are the labelled ones; their classes are what the head says of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alservice import strategies
from alservice.core import Block, CancelFlag, Engine, Ranked, keyed_hash
from alservice.domain.head import LinearHead
from alservice.domain.pool_index import PoolIndex
from alservice.domain.strategy import Ensemble, Situation
from alservice.ports.scoring import Pass
from alservice.scoring.local import LocalScoring
from alservice.usecases.choose_together import ChooseTogether
from alservice.usecases.plan_choice import Asked, Plan, plan_choice
from bench.pools import CLASSES, F32, classes_of, head
from bench.sizes import THREADS

BATCH = 100
KNOWN = strategies.discover()
SCORING = LocalScoring(Engine(THREADS))

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelledPool:
    """Vectors (n, d), the first `labels` of which have one; without labels there is no model."""

    vectors: F32
    labels: int
    index: PoolIndex | None = None

    def plan(self, name: str) -> Plan:
        """Who chooses, by the name that a request would give."""
        seen = np.bincount(classes_of(self.vectors[: self.labels]), minlength=CLASSES)
        now = Situation(
            labels=self.labels,
            classes=CLASSES,
            seen_classes=int((seen > 0).sum()),
            batch_size=BATCH,
            has_model=self.labels > 0,
        )
        return plan_choice(KNOWN, Asked(strategy=KNOWN[name]), now)

    def choice(self, name: str, seed: int = 1) -> Callable[[], Ranked]:
        """The choice of one batch; raises RuntimeError if it is not a whole one."""
        plan = self.plan(name)
        ask, together = self._ask(plan, seed), ChooseTogether(SCORING, KNOWN)

        def choose() -> Ranked:
            if isinstance(plan.chooser, Ensemble):
                chosen = together(plan.chooser, ask)
            else:
                chosen = SCORING.choose(ask)
            if len(np.unique(chosen.row)) != BATCH:
                raise RuntimeError(f"{name} chose {len(np.unique(chosen.row))} of {BATCH}")
            return chosen

        return choose

    def _ask(self, plan: Plan, seed: int) -> Pass:
        model = head()
        return Pass(
            strategy=None if isinstance(plan.chooser, Ensemble) else plan.chooser,
            scores=plan.scores,
            blocks=[block_of(self.vectors, np.arange(self.labels))],
            count=BATCH,
            seed=seed,
            cancel=CancelFlag(),
            head=LinearHead(model.weights, model.bias) if self.labels else None,
            anchors=self.vectors[: self.labels],
            anchor_classes=classes_of(self.vectors[: self.labels]),
            class_count=CLASSES,
            index=self.index,
            parameters=plan.parameters,
        )


def block_of(vectors: NDArray[np.generic], taken: I64 | None = None) -> Block:
    """One block of a pool in which every row is open but for those `taken`."""
    rows = len(vectors)
    closed = np.zeros(rows, np.bool_)
    closed[taken if taken is not None else []] = True
    hashes = keyed_hash(np.arange(rows, dtype=np.uint64), 1)
    return Block(vectors, hashes, np.packbits(closed, bitorder="little"))
