"""Train: fit a model to the settled labels, as an operation that any worker picks up."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from alservice.domain.call import Call
from alservice.domain.errors import TrainingFailed
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.project import Project
from alservice.domain.project_rules import check_learner
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once
from alservice.usecases.queue_training import QueueTraining
from alservice.usecases.require import lock_project, require_model
from alservice.usecases.run_training import newer_is_active


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
        effect = lambda: self._operation(tx, project, ask)  # noqa: E731
        begun = once(tx, call, ask.project_id, effect, _encode, _decode)
        operation = tx.operations.get(ask.project_id, begun.operation_id)
        model = require_model(tx, ask.project_id, str(begun.request["model_id"]))
        return TrainResult(operation or _forgotten(begun, model), model)

    def _operation(self, tx: Tx, project: Project, ask: TrainCommand) -> Operation:
        learner = check_learner(ask.learner or project.policy.learner, self.queue.learners)
        for begun in tx.operations.unfinished(project.project_id, OperationKind.TRAIN):
            if _same(tx, project, begun, learner, activate=ask.activate):
                return begun
        latest = tx.models.latest_ready(project.project_id)
        if latest is not None and not ask.force and _nothing_new(project, latest, learner):
            inactive = project.active_model_id != latest.model_id
            if ask.activate and inactive and not newer_is_active(tx, project, latest):
                activated = replace(project, active_model_id=latest.model_id)
                tx.projects.update(replace(activated, revision=project.revision + 1))
            return _done_operation(tx, project, latest)
        return self.queue(tx, project, learner, activate=ask.activate)


def _same(tx: Tx, project: Project, begun: Operation, learner: str, *, activate: bool) -> bool:
    """Whether an unfinished training will answer this request as well.

    One that waits reads the labels later; one that runs must have been asked for after the last
    label was settled.
    """
    wanted = {"learner": learner, "activate": activate}
    if begun.cancel_requested or any(begun.request[key] != value for key, value in wanted.items()):
        return False
    model = tx.models.get(project.project_id, begun.model_id or "")
    seen = model is not None and model.revision >= project.labels_revision
    return begun.state is OperationState.QUEUED or seen


def _nothing_new(project: Project, latest: ModelRow, learner: str) -> bool:
    return (
        latest.learner == learner
        and latest.class_ids == project.schema.class_ids
        and latest.revision >= project.labels_revision
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


def _forgotten(begun: Operation, model: ModelRow) -> Operation:
    """An operation that was deleted, which only done ones can be."""
    ready = model.state is ModelState.READY
    return replace(
        begun,
        state=OperationState.SUCCEEDED if ready else OperationState.FAILED,
        progress=float(ready),
        error_reason="" if ready else model.error_reason or TrainingFailed.reason,
        error_message=model.error,
        end_time_ms=model.end_time_ms,
    )


def _encode(operation: Operation) -> str:
    """What names the operation, and stays true."""
    request = dict(operation.request)
    return json.dumps(
        [
            operation.operation_id,
            operation.project_id,
            request,
            operation.create_time_ms,
        ]
    )


def _decode(text: str) -> Operation:
    operation_id, project_id, request, create_time_ms = json.loads(text)
    return Operation(
        operation_id=operation_id,
        project_id=project_id,
        kind=OperationKind.TRAIN,
        request=request,
        create_time_ms=create_time_ms,
    )
