"""Train: fit a model to the settled labels, as an operation that any worker picks up."""

from collections.abc import Callable
from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.model import ModelRow
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once
from alservice.usecases.queue_training import QueueTraining
from alservice.usecases.require import lock_project, require_model


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainCommand:
    """What a caller asks for; "" means the project's learner."""

    project_id: str
    force: bool = False
    learner: str = ""
    activate: bool = True


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The operation, and the model that it makes."""

    operation: Operation
    model: ModelRow


@dataclass(frozen=True, slots=True)
class Train:
    """Queues a training, joins the one that runs, or finds that there is nothing new."""

    catalog: Catalog
    queue: QueueTraining
    wake_workers: Callable[[], None]

    def __call__(self, call: Call, ask: TrainCommand) -> TrainResult:
        """The operation and its model.

        Raises ProjectNotFound, LearnerUnknown, TrainingNeedsTwoClasses, RequestIdReused.
        """
        result = self.catalog.transact(lambda tx: self._begin(tx, call, ask))
        self.wake_workers()
        return result

    def _begin(self, tx: Tx, call: Call, ask: TrainCommand) -> TrainResult:
        project = lock_project(tx, ask.project_id)
        operation_id = once(
            tx,
            call,
            ask.project_id,
            lambda: self._operation(tx, project, ask).operation_id,
            encode=str,
            decode=str,
        )
        operation = tx.operations.get(ask.project_id, operation_id)
        if operation is None:  # deleted since: say once more what it said
            return self._said_again(tx, ask)
        model = require_model(tx, ask.project_id, str(operation.request["model_id"]))
        return TrainResult(operation, model)

    def _operation(self, tx: Tx, project: Project, ask: TrainCommand) -> Operation:
        running = tx.operations.unfinished(project.project_id, OperationKind.TRAIN)
        if running is not None:
            return running
        learner = ask.learner or project.policy.learner
        latest = tx.models.latest_ready(project.project_id)
        if latest is not None and not ask.force and _nothing_new(tx, project, latest, learner):
            return _done_operation(tx, project, latest)
        return self.queue(tx, project, learner, activate=ask.activate)

    def _said_again(self, tx: Tx, ask: TrainCommand) -> TrainResult:
        project = lock_project(tx, ask.project_id)
        operation = self._operation(tx, project, ask)
        model = require_model(tx, ask.project_id, str(operation.request["model_id"]))
        return TrainResult(operation, model)


def _nothing_new(tx: Tx, project: Project, latest: ModelRow, learner: str) -> bool:
    return (
        latest.learner == learner
        and latest.class_ids == project.schema.class_ids
        and not tx.labels.settled_since(project.project_id, latest.revision)
    )


def _done_operation(tx: Tx, project: Project, model: ModelRow) -> Operation:
    """The operation that made the model; a new one, done already, if that was deleted."""
    made = tx.operations.get(project.project_id, model.operation_id)
    if made is not None:
        return made
    operation = Operation(
        operation_id=model.operation_id,
        project_id=project.project_id,
        kind=OperationKind.TRAIN,
        state=OperationState.SUCCEEDED,
        request={"model_id": model.model_id, "learner": model.learner, "activate": True},
        progress=1.0,
        stage="nothing new to learn",
        create_time_ms=tx.now_ms(),
        end_time_ms=tx.now_ms(),
    )
    tx.operations.insert(operation)
    return operation
