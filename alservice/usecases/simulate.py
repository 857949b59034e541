"""Simulate: replay what a project has labelled already, to see which strategy would have paid."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.call import Call
from alservice.domain.errors import InvalidField, VectorsMissing
from alservice.domain.label import Settled
from alservice.domain.names import new_id
from alservice.domain.operation import Json, Operation, OperationKind
from alservice.domain.project import Project
from alservice.domain.strategy import Strategy
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.labelled_vectors import GatherLabelled
from alservice.usecases.once import once
from alservice.usecases.plan_choice import Asked, check_asked
from alservice.usecases.replay_limits import check_labels, check_rounds
from alservice.usecases.require import lock_project, require_operation
from alservice.usecases.resolve_strategy import resolve_strategy
from alservice.usecases.snapshot import Snapshots

I64 = NDArray[np.int64]
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
    snapshots: Snapshots
    gather: GatherLabelled
    wake_workers: Callable[[], None]

    def __call__(self, call: Call, ask: SimulateCommand) -> Operation:
        """The operation.

        Raises ProjectNotFound, StrategyUnknown, InvalidField, VectorsMissing,
        SimulationNeedsLabels, RequestIdReused, OperationNotFound, SegmentCorrupt.
        """
        snapshot, settled = self.snapshots.take(ask.project_id, "", settled_labels)
        counts = self.gather.counts(snapshot, settled)
        operation = self.catalog.transact(lambda tx: self._begin(tx, call, ask, counts))
        self.wake_workers()
        return operation

    def _begin(self, tx: Tx, call: Call, ask: SimulateCommand, counts: I64) -> Operation:
        project = lock_project(tx, ask.project_id)
        effect = lambda: self._queue(tx, project, ask, counts).operation_id  # noqa: E731
        operation_id = once(tx, call, ask.project_id, effect, json.dumps, json.loads)
        return require_operation(tx, ask.project_id, operation_id)

    def _queue(self, tx: Tx, project: Project, ask: SimulateCommand, counts: I64) -> Operation:
        names = self._names(project, ask.strategies)
        if project.space.dimension == 0:
            text = "strategies are replayed on vectors, and the items of this project have none"
            raise VectorsMissing(text, project=project.project_id)
        check_labels(project, counts)
        request: Json = {
            "strategies": ",".join(names),
            "seeds": ask.seeds or USUAL_SEEDS,
            "batch_size": ask.batch_size,
            "budget": ask.budget,
        }
        check_rounds(request, names, counts)
        operation = Operation(
            operation_id=new_id("o"),
            project_id=project.project_id,
            kind=OperationKind.SIMULATE,
            request=request,
            stage="waiting for a worker",
            create_time_ms=tx.now_ms(),
        )
        tx.operations.insert(operation)
        return operation

    def _names(self, project: Project, asked: Sequence[str]) -> list[str]:
        """What plays, the reference first; each is a strategy of ours, and nothing else."""
        names = list(dict.fromkeys([REFERENCE, *(asked or [project.policy.strategy])]))
        if len(names) > MOST_STRATEGIES:
            text = f"at most {MOST_STRATEGIES} strategies at once, {REFERENCE} among them"
            raise InvalidField(text, field="strategies", limit=MOST_STRATEGIES, got=len(names))
        for name in names:
            strategy, diversify = parts(name)
            found = resolve_strategy(self.strategies, strategy)
            check_asked(self.strategies, Asked(strategy=found, diversify=diversify))
        return names


def parts(name: str) -> tuple[str, str]:
    """The strategy, and what diversifies it or "": of `margin` or `entropy+power`."""
    strategy, _, diversify = name.partition("+")
    return strategy, diversify


def settled_labels(tx: Tx, project: Project) -> Sequence[Settled]:
    """Everything that is believed about the project's items."""
    return tx.labels.settled_since(project.project_id, -1)
