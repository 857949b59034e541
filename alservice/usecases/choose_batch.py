"""Choose a batch from a snapshot: the strategy's picks, the audit's draws, what to tell people.

Nothing is written here. A little more than the batch is chosen where that costs little, so that
items which others get first can be replaced without another pass over the pool.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Ranked
from alservice.domain.audit import audit_count
from alservice.domain.batch import Arm
from alservice.domain.errors import ParameterOutOfRange, PoolEmpty, VectorsMissing
from alservice.domain.head import Head
from alservice.domain.pool_index import PoolIndex
from alservice.domain.project import Project
from alservice.domain.strategy import Ensemble, Need, Scoring, Selecting, Strategy
from alservice.domain.strategy_version import at_effective_version
from alservice.ports.scoring import Pass, PoolScoring
from alservice.ports.segments import SegmentStore
from alservice.usecases.choose_together import ChooseTogether
from alservice.usecases.open_blocks import (
    Candidate,
    Held,
    anchors,
    candidates,
    count_open,
    held_rows,
    open_blocks,
    open_costs,
)
from alservice.usecases.plan_choice import Asked, Plan, plan_choice, situation
from alservice.usecases.pool_index import IndexOf
from alservice.usecases.snapshot import Snapshot

F32 = NDArray[np.float32]
_SLACK: Final = 64
_AUDIT_SLACK: Final = 8
_MOST_SLACK: Final = 16_384
_SMALL_POOL: Final = 20_000  # items; up to here an index makes no difference to anybody


@dataclass(frozen=True, slots=True)
class UsableModel:
    """A model that can score; `penalty` is one over its inverse penalty C."""

    model_id: str
    revision: int
    head: Head
    penalty: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to choose. `attempt` counts the choices that came too late: each asks for more."""

    batch_size: int
    asked: Asked
    seed: int
    model: UsableModel | None
    attempt: int = 0

    def pick_count(self, chooser: Scoring | Selecting | Ensemble, audits: int) -> int:
        """How many to pick, so that a batch is left if others are faster."""
        wanted = max(1, self.batch_size - audits)
        if isinstance(chooser, Scoring) or Need.VECTORS not in chooser.needs:
            return self.batch_size + self._grown(self.batch_size + _SLACK)
        if isinstance(chooser, Selecting) and chooser.greedy:
            # Each further pick costs time.
            return self.batch_size + self._grown(self.batch_size // 4 + 1)
        # The parts of such a batch belong together: one more would change them all.
        return wanted + (self._grown(self.batch_size // 4 + 1) if self.attempt > 1 else 0)

    def draw_count(self, wanted: int) -> int:
        """How many to draw for the audit, so that `wanted` or some more are left."""
        return wanted + self._grown(wanted + _AUDIT_SLACK)

    def _grown(self, slack: int) -> int:
        return min(slack << self.attempt, max(slack, _MOST_SLACK))


@dataclass(frozen=True, slots=True)
class Draws:
    """The candidates of one arm, best first, of the `open_count` items that it might have.

    `exhausted`: the strategy has no other, though there are open items.
    """

    candidates: Sequence[Candidate]
    open_count: int
    exhausted: bool = False

    @property
    def complete(self) -> bool:
        """Whether there is no other candidate."""
        return self.exhausted or len(self.candidates) == self.open_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Candidates of both arms, more than wanted where that was cheap.

    `strategy` was asked for, at its effective version; `chosen_by` names what chose in the end,
    `because` says why.
    """

    strategy: Strategy
    chosen_by: str
    because: str
    model_id: str | None
    pool_index: str
    picks: Draws
    audits: Draws
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Setting:
    """What the strategy and the audit have in common."""

    snapshot: Snapshot
    held: Held
    wish: Wish
    plan: Plan
    cancel: CancelFlag


@dataclass(frozen=True, slots=True)
class ChooseBatch:
    """Chooses from a snapshot."""

    scoring: PoolScoring
    store: SegmentStore
    together: ChooseTogether
    index_of: IndexOf
    strategies: Mapping[str, Strategy]

    def __call__(self, snapshot: Snapshot, wish: Wish, cancel: CancelFlag) -> Choice:
        """The choice.

        Raises PoolEmpty, VectorsMissing, Cancelled, and what `plan_choice` raises.
        """
        plan = self._plan(snapshot, wish)
        setting = _Setting(snapshot, held_rows(snapshot, self.store), wish, plan, cancel)
        blocks = open_blocks(snapshot, setting.held, Arm.STRATEGY)
        open_count = count_open(blocks)
        due = audit_due(snapshot.project, wish.batch_size)
        drawn = self._draw(setting, due)
        if not open_count and not (due and drawn.row.size):
            raise _pool_empty(snapshot)
        index, index_note = self._index(snapshot, plan)
        wanted = wish.pick_count(plan.chooser, min(due, len(drawn.row)))
        ranked = self._rank(setting, blocks, wanted, index)
        return Choice(
            strategy=at_effective_version(self.strategies, wish.asked.strategy),
            chosen_by=plan.name,
            because=plan.because,
            model_id=wish.model.model_id if wish.model and plan.uses_model else None,
            pool_index=index.artefact_id if index else "",
            picks=_picks(snapshot, plan, ranked, open_count, short=len(ranked.row) < wanted),
            audits=_draws(setting, drawn),
            notes=(*plan.notes, *([index_note] if index_note else ())),
        )

    def _plan(self, snapshot: Snapshot, wish: Wish) -> Plan:
        now = situation(snapshot, wish.batch_size, has_model=wish.model is not None)
        plan = plan_choice(self.strategies, wish.asked, now)
        _check_vectors(snapshot, plan, wish.asked.strategy.name)
        return plan

    def _index(self, snapshot: Snapshot, plan: Plan) -> tuple[PoolIndex | None, str]:
        if not isinstance(plan.chooser, Selecting) or not plan.chooser.uses_index:
            return None, ""
        index, note = self.index_of(snapshot)
        return index, note if snapshot.project.item_count > _SMALL_POOL else ""

    def _rank(
        self, setting: _Setting, blocks: Sequence[Block], count: int, index: PoolIndex | None
    ) -> Ranked:
        plan, wish = setting.plan, setting.wish
        model = wish.model if plan.uses_model else None
        exponent = plan.parameters.get("cost_exponent", 0.0)
        costly = exponent > 0 or not isinstance(plan.chooser, Scoring)
        ask = Pass(
            strategy=None if isinstance(plan.chooser, Ensemble) else plan.chooser,
            scores=plan.scores,
            blocks=blocks,
            count=count,
            seed=wish.seed,
            cancel=setting.cancel,
            head=model.head if model else None,
            penalty=model.penalty if model else 0.01,
            class_count=len(setting.snapshot.project.schema.classes),
            costs=open_costs(setting.snapshot) if costly else (),
            cost_exponent=exponent,
            index=index,
            parameters=plan.parameters,
        )
        if not isinstance(plan.chooser, Scoring) and Need.VECTORS in plan.chooser.needs:
            taken = anchors(setting.snapshot, blocks, setting.held, self.scoring, setting.cancel)
            ask = replace(
                ask,
                anchors=taken.vectors,
                anchor_classes=taken.classes,
                labelled=(taken.block, taken.row),
                pool_key=_pool_key(setting.snapshot),
            )
        if isinstance(plan.chooser, Ensemble):
            return self.together(plan.chooser, ask)
        return self.scoring.choose(ask)

    def _draw(self, setting: _Setting, due: int) -> Ranked:
        """The next of the reserve, also where none is due yet: others may be faster."""
        project = setting.snapshot.project
        if project.policy.reserve_share == 0 or project.policy.audit_share == 0:
            return _NOTHING
        blocks = open_blocks(setting.snapshot, setting.held, Arm.AUDIT)
        # The salt as seed draws in the order of the hash that made the reserve: one fixed sample.
        count = setting.wish.draw_count(due)
        return self.scoring.draw(blocks, count, project.salt, setting.cancel)


_NOTHING: Final = Ranked(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))


def _draws(setting: _Setting, drawn: Ranked) -> Draws:
    """The audit's draws; what they look like among the picks is decided with the batch."""
    if not len(drawn.row):
        return Draws((), 0)
    blocks = open_blocks(setting.snapshot, setting.held, Arm.AUDIT)
    return Draws(candidates(setting.snapshot, drawn, Arm.AUDIT), count_open(blocks))


def _picks(
    snapshot: Snapshot, plan: Plan, ranked: Ranked, open_count: int, *, short: bool
) -> Draws:
    """The ranked rows as candidates. Raises ParameterOutOfRange where the money buys nothing."""
    if short and open_count and not len(ranked.row):
        text = f"{plan.name} found no item that its parameters allow; raise the budget"
        raise ParameterOutOfRange(text, parameter="budget")
    found = candidates(snapshot, ranked, Arm.STRATEGY)
    fills = not isinstance(plan.chooser, Selecting) or plan.chooser.fills
    return Draws(found, open_count, exhausted=short and not fills)


def _pool_key(snapshot: Snapshot) -> str:
    """Segments never change, so their names are the pool."""
    return " ".join(opened.segment.segment_id for opened in snapshot.pool)


def audit_due(project: Project, batch_size: int) -> int:
    """How many of the next `batch_size` items should be audit, after what was handed out."""
    handed_out = project.audit_asked + project.queried_asked
    return audit_count(project.policy, project.audit_asked, handed_out, batch_size)


def _check_vectors(snapshot: Snapshot, plan: Plan, name: str) -> None:
    if Need.VECTORS in plan.needs and snapshot.project.space.dimension == 0:
        text = f"{name} needs vectors, and the items of this project have none; use random"
        raise VectorsMissing(text, strategy=name)


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
