"""Turn the names of a request into what chooses: schedules followed, parts put together."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from alservice.domain.errors import InvalidField
from alservice.domain.strategy import (
    Ensemble,
    Need,
    Schedule,
    Scoring,
    Selecting,
    Situation,
    Strategy,
    parameters_of,
)
from alservice.usecases.resolve_strategy import resolve_parameters, resolve_strategy
from alservice.usecases.snapshot import Snapshot

COLD_START = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for, by name; "" for `diversify` means the strategy's own way."""

    strategy: Strategy
    diversify: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What chooses. `scores` is what a selecting strategy diversifies; `because` says why it.

    `needs` are those of what was asked for, also where the cold start stands in for it.
    """

    chooser: Scoring | Selecting | Ensemble
    scores: Scoring | None
    parameters: Mapping[str, float]
    because: str
    needs: frozenset[Need]
    notes: tuple[str, ...] = ()

    @property
    def uses_model(self) -> bool:
        """Whether the model has a say."""
        return self.scores is not None or Need.MODEL in self.chooser.needs

    @property
    def name(self) -> str:
        """The parts by name, in the order in which they work."""
        if self.scores is None or isinstance(self.chooser, Scoring):
            return self.chooser.name
        own = isinstance(self.chooser, Selecting) and self.chooser.scores == self.scores.name
        return self.chooser.name if own else f"{self.scores.name}+{self.chooser.name}"


def situation(snapshot: Snapshot, batch_size: int, *, has_model: bool) -> Situation:
    """Where the project stands."""
    counts: Counter[int] = Counter()
    for opened in snapshot.pool:
        counts.update(snapshot.masks.masks[opened.segment.segment_id].classes.values())
    counts.pop(-1, None)
    labels = counts.total()
    return Situation(
        labels=labels,
        classes=len(snapshot.project.schema.classes),
        seen_classes=len(counts),
        batch_size=batch_size,
        has_model=has_model,
    )


def plan_choice(known: Mapping[str, Strategy], asked: Asked, now: Situation) -> Plan:
    """The plan. Raises StrategyUnknown, ParameterUnknown, ParameterOutOfRange, InvalidField.

    Where a part needs a model or labels that are not there, the cold start takes over and the
    plan's notes say so.
    """
    strategy = asked.strategy
    if asked.diversify and not isinstance(strategy, Scoring):
        text = f"{strategy.name} chooses batches by itself; leave `diversify` empty"
        raise InvalidField(text, field="diversify")
    if isinstance(strategy, Schedule):
        return _scheduled(known, asked, strategy, now)
    plan = _composed(known, asked, strategy)
    missing = _missing(plan, now)
    return _cold(known, plan, missing) if missing else plan


def check_asked(known: Mapping[str, Strategy], asked: Asked) -> None:
    """Raise what `plan_choice` would raise about the words of a request, whatever the pool."""
    now = Situation(
        labels=1,
        classes=2,
        seen_classes=2,
        batch_size=1,
        has_model=True,
    )
    plan_choice(known, asked, now)


def _scheduled(
    known: Mapping[str, Strategy], asked: Asked, schedule: Schedule, now: Situation
) -> Plan:
    given = resolve_parameters(schedule.name, parameters_of(schedule), asked.parameters)
    step = next(step for step in schedule.steps if step.holds(now))
    strategy = resolve_strategy(known, step.strategy)
    taken = {parameter.name for parameter in parameters_of(strategy)}
    parts = Asked(
        strategy=strategy,
        diversify=step.diversify,
        parameters={**{k: v for k, v in given.items() if k in taken}, **step.parameters},
    )
    plan = plan_choice(known, parts, now)
    return plan if plan.notes else replace(plan, because=step.because)


def _composed(
    known: Mapping[str, Strategy], asked: Asked, strategy: Scoring | Selecting | Ensemble
) -> Plan:
    chooser, scores = strategy, None
    parameters = parameters_of(strategy)
    if isinstance(strategy, Selecting) and strategy.scores:
        scores = _scoring(known, strategy.scores)
    if asked.diversify and isinstance(strategy, Scoring):
        chooser, scores = _diversifier(known, asked.diversify), strategy
        parameters = (*parameters, *chooser.parameters)
    name = f"{strategy.name} with {asked.diversify}" if asked.diversify else strategy.name
    return Plan(
        chooser=chooser,
        scores=scores,
        parameters=resolve_parameters(name, parameters, asked.parameters),
        because=chooser.summary,
        needs=chooser.needs | (scores.needs if scores else frozenset()),
    )


def _diversifier(known: Mapping[str, Strategy], name: str) -> Selecting:
    found = resolve_strategy(known, name)
    if not isinstance(found, Selecting) or not found.diversifies:
        able = [s.name for s in known.values() if isinstance(s, Selecting) and s.diversifies]
        text = f"{name} does not diversify the scores of another strategy; these do: {able}"
        raise InvalidField(text, field="diversify")
    return found


def _scoring(known: Mapping[str, Strategy], name: str) -> Scoring:
    found = known[name]
    if not isinstance(found, Scoring):
        raise TypeError(f"{name} is named as a scoring strategy and is none")
    return found


def _missing(plan: Plan, now: Situation) -> str:
    if plan.uses_model and not now.has_model:
        return "usable model"
    if Need.LABELS in plan.chooser.needs and not now.labels:
        return "label"
    return ""


def _cold(known: Mapping[str, Strategy], plan: Plan, missing: str) -> Plan:
    note = (
        f"There is no {missing} yet, so {plan.name} could not choose: the items were "
        "drawn uniformly. Label them, then call Train."
    )
    chooser = known[COLD_START]
    if not isinstance(chooser, Selecting):
        raise TypeError(f"{COLD_START} cannot start from nothing")
    return replace(
        plan, chooser=chooser, scores=None, parameters={}, because=chooser.summary, notes=(note,)
    )
