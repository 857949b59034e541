"""Choose a batch from a snapshot: the strategy's picks, the audit's draws, what to tell people.

Nothing is written here. A little more than the batch is chosen, so that items which others get
first can be replaced without another pass over the pool.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Ranked
from alservice.domain.audit import audit_count
from alservice.domain.batch import Arm
from alservice.domain.errors import PoolEmpty, VectorsMissing
from alservice.domain.learner import LinearHead
from alservice.domain.project import Project
from alservice.domain.strategy import Need, Scoring, Selecting, Strategy
from alservice.ports.scoring import PoolScoring
from alservice.ports.segments import SegmentStore
from alservice.usecases.open_blocks import (
    Candidate,
    Held,
    anchors,
    candidates,
    count_open,
    held_rows,
    open_blocks,
)
from alservice.usecases.snapshot import Snapshot

F32 = NDArray[np.float32]
_SLACK: Final = 64
_AUDIT_SLACK: Final = 8
_MOST_SLACK: Final = 16_384


@dataclass(frozen=True, slots=True)
class UsableModel:
    """A model that can score."""

    model_id: str
    revision: int
    head: LinearHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to choose: `fallback` chooses where `strategy` has no usable model.

    `attempt` counts the choices that came too late: each is followed by one with more slack.
    """

    batch_size: int
    strategy: Strategy
    fallback: Strategy
    parameters: Mapping[str, float]
    seed: int
    model: UsableModel | None
    attempt: int = 0

    @property
    def pick_count(self) -> int:
        """How many to pick, so that a batch is left if others are faster."""
        # Each further pick of a selecting strategy is a pass over the pool.
        dear = isinstance(self.strategy, Selecting) and Need.VECTORS in self.strategy.needs
        slack = self.batch_size // 4 + 1 if dear else self.batch_size + _SLACK
        return self.batch_size + self._grown(slack)

    def draw_count(self, wanted: int) -> int:
        """How many to draw for the audit, so that `wanted` or some more are left."""
        return wanted + self._grown(wanted + _AUDIT_SLACK)

    def _grown(self, slack: int) -> int:
        return min(slack << self.attempt, max(slack, _MOST_SLACK))


@dataclass(frozen=True, slots=True)
class Draws:
    """The candidates of one arm, best first, of the `open_count` items that it might have."""

    candidates: Sequence[Candidate]
    open_count: int

    @property
    def complete(self) -> bool:
        """Whether there is no other candidate."""
        return len(self.candidates) == self.open_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Candidates of both arms, more than wanted."""

    strategy: Strategy
    model_id: str | None
    picks: Draws
    audits: Draws
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChooseBatch:
    """Chooses from a snapshot."""

    scoring: PoolScoring
    store: SegmentStore

    def __call__(self, snapshot: Snapshot, wish: Wish, cancel: CancelFlag) -> Choice:
        """The choice. Raises PoolEmpty, VectorsMissing, Cancelled."""
        strategy, notes = _settle_strategy(snapshot, wish)
        held = held_rows(snapshot, self.store)
        blocks = open_blocks(snapshot, held, Arm.STRATEGY)
        open_count = count_open(blocks)
        audit_wanted = audit_due(snapshot.project, wish.batch_size)
        audits = self._audit(snapshot, held, wish, strategy, cancel)
        if not open_count and not (audit_wanted and audits.candidates):
            raise _pool_empty(snapshot)
        ranked = self._rank(snapshot, blocks, held, strategy, wish, cancel)
        return Choice(
            strategy=strategy,
            model_id=wish.model.model_id if wish.model and Need.MODEL in strategy.needs else None,
            picks=Draws(candidates(snapshot, ranked, Arm.STRATEGY), open_count),
            audits=audits,
            notes=notes,
        )

    def _rank(
        self,
        snapshot: Snapshot,
        blocks: Sequence[Block],
        held: Held,
        strategy: Strategy,
        wish: Wish,
        cancel: CancelFlag,
    ) -> Ranked:
        count, seed = wish.pick_count, wish.seed
        if isinstance(strategy, Scoring):
            if wish.model is None:
                raise AssertionError(strategy.name)
            return self.scoring.rank(strategy, blocks, wish.model.head, count, seed, cancel)
        taken = np.zeros((0, 0), np.float32)
        if Need.VECTORS in strategy.needs:
            taken = anchors(snapshot, blocks, held, self.scoring)
        parameters = dict(wish.parameters)
        return self.scoring.select(strategy, blocks, taken, count, seed, parameters, cancel)

    def _audit(
        self,
        snapshot: Snapshot,
        held: Held,
        wish: Wish,
        strategy: Strategy,
        cancel: CancelFlag,
    ) -> Draws:
        """The next of the reserve, also where none is due yet: others may be faster."""
        project = snapshot.project
        if project.policy.reserve_share == 0 or project.policy.audit_share == 0:
            return Draws((), 0)
        blocks = open_blocks(snapshot, held, Arm.AUDIT)
        # The salt as seed draws in the order of the hash that made the reserve: one fixed sample.
        count = wish.draw_count(audit_due(project, wish.batch_size))
        drawn = self.scoring.draw(blocks, count, project.salt, cancel)
        scores = self._audit_scores(snapshot, blocks, held, drawn, wish, strategy)
        ranked = Ranked(block=drawn.block, row=drawn.row, score=scores)
        return Draws(candidates(snapshot, ranked, Arm.AUDIT), count_open(blocks))

    def _audit_scores(
        self,
        snapshot: Snapshot,
        blocks: Sequence[Block],
        held: Held,
        drawn: Ranked,
        wish: Wish,
        strategy: Strategy,
    ) -> F32:
        """What the strategy would have given, so that the score does not give the arm away."""
        if Need.VECTORS not in strategy.needs or not len(drawn.row):
            return np.zeros(len(drawn.row), np.float32)
        vectors = self.scoring.gather(blocks, drawn.block, drawn.row)
        if isinstance(strategy, Scoring) and wish.model is not None:
            return strategy.score(self.scoring.probabilities(vectors, wish.model.head))
        taken = anchors(snapshot, blocks, held, self.scoring)
        if not len(taken):
            return np.zeros(len(drawn.row), np.float32)
        nearest = [float(np.linalg.norm(taken - vector, axis=1).min()) for vector in vectors]
        return np.array(nearest, np.float32)


def audit_due(project: Project, batch_size: int) -> int:
    """How many of the next `batch_size` items should be audit, after what was handed out."""
    handed_out = project.audit_asked + project.queried_asked
    return audit_count(project.policy, project.audit_asked, handed_out, batch_size)


def _settle_strategy(snapshot: Snapshot, wish: Wish) -> tuple[Strategy, tuple[str, ...]]:
    strategy = wish.strategy
    if Need.VECTORS in strategy.needs and snapshot.project.space.dimension == 0:
        text = (
            f"{strategy.name} needs vectors, and the items of this project have none; use random"
        )
        raise VectorsMissing(text, strategy=strategy.name)
    if Need.MODEL in strategy.needs and wish.model is None:
        note = (
            f"There is no usable model yet, so {strategy.name} could not choose: the items were "
            "drawn uniformly. Label them, then call Train."
        )
        return wish.fallback, (note,)
    return strategy, ()


def _pool_empty(snapshot: Snapshot) -> PoolEmpty:
    project = snapshot.project
    text = (
        "no item is left to ask about: all are labelled, leased, reserved or not of role POOL; "
        "add items, or wait for leases to end"
    )
    return PoolEmpty(
        text,
        project=project.project_id,
        item_count=project.item_count,
        settled_count=project.settled_count,
    )
