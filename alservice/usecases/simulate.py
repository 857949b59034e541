"""Simulate: replay what a project has labelled already, to see which strategy would have paid."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alservice.domain.call import Call
from alservice.domain.errors import InvalidField, SimulationNeedsLabels, VectorsMissing
from alservice.domain.names import new_id
from alservice.domain.operation import Operation, OperationKind
from alservice.domain.project import Project
from alservice.domain.strategy import Strategy
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once
from alservice.usecases.plan_choice import Asked, check_asked
from alservice.usecases.require import lock_project, require_operation
from alservice.usecases.resolve_strategy import resolve_strategy

FEWEST_LABELS: Final = 40
MOST_STRATEGIES: Final = 8
USUAL_SEEDS: Final = 10
REFERENCE: Final = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateCommand:
    """What a caller asks for; 0 and () mean the usual.

    A strategy is written `margin`, or `entropy+power` for one that another one diversifies.
    """

    project_id: str
    strategies: Sequence[str] = ()
    seeds: int = 0
    batch_size: int = 0
    budget: int = 0


@dataclass(frozen=True, slots=True)
class Simulate:
    """Queues a replay of the project's settled labels."""

    catalog: Catalog
    strategies: Mapping[str, Strategy]
    wake_workers: Callable[[], None]

    def __call__(self, call: Call, ask: SimulateCommand) -> Operation:
        """The operation.

        Raises ProjectNotFound, StrategyUnknown, InvalidField, VectorsMissing,
        SimulationNeedsLabels, RequestIdReused, OperationNotFound.
        """
        for name in ask.strategies:
            self._check(name)
        operation = self.catalog.transact(lambda tx: _begin(tx, call, ask))
        self.wake_workers()
        return operation

    def _check(self, text: str) -> None:
        name, _, diversify = text.partition("+")
        strategy = resolve_strategy(self.strategies, name)
        check_asked(self.strategies, Asked(strategy=strategy, diversify=diversify))


def _begin(tx: Tx, call: Call, ask: SimulateCommand) -> Operation:
    project = lock_project(tx, ask.project_id)
    effect = lambda: _operation(tx, project, ask).operation_id  # noqa: E731
    operation_id = once(tx, call, ask.project_id, effect, json.dumps, json.loads)
    return require_operation(tx, ask.project_id, operation_id)


def _operation(tx: Tx, project: Project, ask: SimulateCommand) -> Operation:
    if project.space.dimension == 0:
        text = "strategies are replayed on vectors, and the items of this project have none"
        raise VectorsMissing(text, project=project.project_id)
    check_labels(project, project.settled_count)
    names = dict.fromkeys([REFERENCE, *(ask.strategies or [project.policy.strategy])])
    if len(names) > MOST_STRATEGIES:
        text = f"at most {MOST_STRATEGIES} strategies at once, {REFERENCE} among them"
        raise InvalidField(text, field="strategies", limit=MOST_STRATEGIES, got=len(names))
    operation = Operation(
        operation_id=new_id("o"),
        project_id=project.project_id,
        kind=OperationKind.SIMULATE,
        request={
            "strategies": ",".join(names),
            "seeds": ask.seeds or USUAL_SEEDS,
            "batch_size": ask.batch_size,
            "budget": ask.budget,
        },
        stage="waiting for a worker",
        create_time_ms=tx.now_ms(),
    )
    tx.operations.insert(operation)
    return operation


def check_labels(project: Project, count: int) -> None:
    """Raise SimulationNeedsLabels if so many settled labels are too few."""
    if count < FEWEST_LABELS:
        text = (
            f"a replay needs at least {FEWEST_LABELS} settled labels of two classes or more, and "
            f"there are {count}; label some more first"
        )
        raise SimulationNeedsLabels(text, project=project.project_id, got=count)
