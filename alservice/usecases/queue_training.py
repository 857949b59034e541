"""Put a training on the queue: a model that is TRAINING, and the operation that will make it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from alservice.domain.errors import TrainingNeedsTwoClasses, VectorsMissing
from alservice.domain.item import AddResult
from alservice.domain.learner import Learner
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.names import new_id
from alservice.domain.operation import Operation, OperationKind
from alservice.domain.project import Project, Retrain
from alservice.domain.project_rules import check_learner
from alservice.ports.catalog import Tx
from alservice.usecases.admit_segments import Admission
from alservice.usecases.count_unseen import count_unseen

_LEAST_NEW: Final = 20
_NEW_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class QueueTraining:
    """Queues at most one training of a project at a time."""

    learners: Mapping[str, Learner]

    def __call__(self, tx: Tx, project: Project, learner: str, *, activate: bool) -> Operation:
        """The operation; `project` is locked and has no unfinished training.

        Raises LearnerUnknown, TrainingNeedsTwoClasses, VectorsMissing.
        """
        check_learner(learner, self.learners)
        _check_classes(tx, project)
        now_ms = tx.now_ms()
        model_id, operation_id = new_id("m"), new_id("o")
        model = ModelRow(
            model_id=model_id,
            state=ModelState.TRAINING,
            learner=learner,
            operation_id=operation_id,
            space_id=project.space.space_id,
            class_ids=project.schema.class_ids,
            revision=project.revision,
            create_time_ms=now_ms,
        )
        operation = Operation(
            operation_id=operation_id,
            project_id=project.project_id,
            kind=OperationKind.TRAIN,
            request={"model_id": model_id, "learner": learner, "activate": activate},
            stage="waiting for a worker",
            create_time_ms=now_ms,
        )
        tx.models.insert(project.project_id, model)
        tx.operations.insert(operation)
        return operation

    def after_labels(self, tx: Tx, project: Project, unseen: int) -> None:
        """Queue a training if the policy asks for one, with so many labels not seen by a model."""
        if project.policy.retrain is Retrain.AUTO and self._due(tx, project, unseen):
            self(tx, project, project.policy.learner, activate=True)

    def after_import(self, tx: Tx, admission: Admission) -> AddResult:
        """Let the items in, and queue a training if the labels they bring ask for one."""
        result = admission(tx)
        project = tx.projects.lock(admission.project.project_id)
        if result.labels and project is not None:
            self.after_labels(tx, project, count_unseen(tx, project, seen_revision(tx, project)))
        return result

    def _due(self, tx: Tx, project: Project, unseen: int) -> bool:
        if unseen < max(_LEAST_NEW, _NEW_SHARE * project.settled_count):
            return False
        if tx.operations.unfinished(project.project_id, OperationKind.TRAIN):
            return False
        latest = tx.models.page(project.project_id, "", 1)  # the last attempt, failed ones too
        since = latest[0].revision if latest else -1
        if tx.labels.unseen_count(project.project_id, since) < _LEAST_NEW:
            return False
        # Last, for it counts all labels.
        return project.space.dimension != 0 and _classes_with_labels(tx, project) >= 2


def seen_revision(tx: Tx, project: Project) -> int:
    """The revision of the project up to which its active model has seen labels; -1 for none."""
    if project.active_model_id is None:
        return -1
    model = tx.models.get(project.project_id, project.active_model_id)
    return model.revision if model else -1


def _check_classes(tx: Tx, project: Project) -> None:
    if project.space.dimension == 0:
        text = "a model needs vectors, and the items of this project have none"
        raise VectorsMissing(text, project=project.project_id)
    found = _classes_with_labels(tx, project)
    if found < 2:
        text = (
            f"training needs settled labels of at least two classes, and {found} of the "
            f"{len(project.schema.classes)} classes has any; label more items first"
        )
        raise TrainingNeedsTwoClasses(text, classes_with_labels=found)


def _classes_with_labels(tx: Tx, project: Project) -> int:
    counts = tx.labels.settled_count(project.project_id)
    return sum(1 for key, count in counts.items() if key.startswith("class:") and count)
