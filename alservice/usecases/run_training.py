"""What a worker does for a Train: gather, fit, publish the model if the work is still its own."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from alservice.core import CancelFlag
from alservice.domain.head import Head
from alservice.domain.label import Settled
from alservice.domain.learner import FittedModel, Progress, WarmStart
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.operation import Operation, OperationState
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.trainer import Trainer, TrainingJob
from alservice.usecases.fail_operation import ended
from alservice.usecases.labelled_vectors import GatherLabelled, LabelledVectors
from alservice.usecases.model_head import decode_head, encode_head
from alservice.usecases.snapshot import Snapshot, Snapshots


@dataclass(frozen=True, slots=True)
class _Facts:
    settled: Sequence[Settled]
    warm: Head | None


@dataclass(frozen=True, slots=True)
class _Stop:
    """A kernel's flag, asked the way a Trainer asks."""

    flag: CancelFlag

    def is_set(self) -> bool:
        return self.flag.cancelled


@dataclass(frozen=True, slots=True)
class RunTraining:
    """Runs one TRAIN operation to its end."""

    catalog: Catalog
    snapshots: Snapshots
    gather: GatherLabelled
    trainer: Trainer

    def __call__(self, operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        """Run it.

        Raises Cancelled, TrainingFailed, TrainingNeedsTwoClasses, SegmentCorrupt, ProjectNotFound.
        """
        progress(0.02, "reading labels")
        snapshot, facts = self.snapshots.take(operation.project_id, "", _facts)
        data = self.gather(snapshot, facts.settled, cancel)
        job = TrainingJob(
            learner=str(operation.request["learner"]),
            training=data.training,
            parameters={},
            warm=WarmStart(facts.warm) if facts.warm is not None else None,
            evaluations=data.evaluations,
        )
        fitted = self.trainer.fit(job, progress, _Stop(cancel))
        self.catalog.transact(lambda tx: _publish(tx, operation, snapshot, data, fitted))


def _facts(tx: Tx, project: Project) -> _Facts:
    head = None
    if project.active_model_id is not None:
        head = tx.models.head(project.project_id, project.active_model_id)
    settled = tx.labels.settled_since(project.project_id, -1)
    return _Facts(settled, decode_head(head) if head else None)


def _publish(
    tx: Tx,
    operation: Operation,
    snapshot: Snapshot,
    data: LabelledVectors,
    fitted: FittedModel,
) -> None:
    """The model is READY, the operation done and, if nothing newer is active, the model active."""
    project = tx.projects.lock(operation.project_id)
    done = ended(operation, tx.now_ms(), OperationState.SUCCEEDED)
    if project is None or not tx.operations.finish(done, operation.attempt):
        return
    row = tx.models.get(operation.project_id, str(operation.request["model_id"]))
    if row is None:
        return
    ready = replace(
        row,
        state=ModelState.READY,
        class_ids=snapshot.project.schema.class_ids,
        revision=snapshot.project.revision,
        label_count=data.settled_count,
        parameters={**fitted.parameters, "temperature": fitted.temperature},
        metrics=tuple(asdict(metric) for metric in fitted.metrics),
        end_time_ms=tx.now_ms(),
        notes=fitted.notes,
    )
    tx.models.store(operation.project_id, ready, encode_head(fitted.head))
    if operation.request.get("activate", True) and not newer_is_active(tx, project, ready):
        tx.projects.update(
            replace(project, active_model_id=ready.model_id, revision=project.revision + 1)
        )


def newer_is_active(tx: Tx, project: Project, ready: ModelRow) -> bool:
    """Whether the active model saw a later revision than `ready`."""
    if project.active_model_id is None:
        return False
    active = tx.models.get(project.project_id, project.active_model_id)
    return active is not None and active.revision > ready.revision
