"""What a worker does for a Simulate: gather what is labelled, have it replayed, write it down."""

from dataclasses import dataclass, replace

import numpy as np

from alservice.core import CancelFlag
from alservice.domain.learner import Progress, TrainingSet
from alservice.domain.operation import Operation, OperationState
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.replaying import Replaying, ReplayJob, ReplayPlayer, ReplayReport
from alservice.usecases.fail_operation import ended
from alservice.usecases.labelled_vectors import GatherLabelled
from alservice.usecases.replay_limits import check_labels, check_rounds
from alservice.usecases.simulate import parts, settled_labels
from alservice.usecases.snapshot import Snapshots


@dataclass(frozen=True, slots=True)
class _Stop:
    """A kernel's flag, asked as `threading.Event` is."""

    flag: CancelFlag

    def is_set(self) -> bool:
        return self.flag.cancelled


@dataclass(frozen=True, slots=True)
class RunSimulation:
    """Runs one SIMULATE operation to its end."""

    catalog: Catalog
    snapshots: Snapshots
    gather: GatherLabelled
    replaying: Replaying

    def __call__(self, operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        """Run it.

        Raises Cancelled, SimulationNeedsLabels, InvalidField, SimulationFailed, SegmentCorrupt,
        ProjectNotFound.
        """
        progress(0.0, "reading labels")
        snapshot, settled = self.snapshots.take(operation.project_id, "", settled_labels)
        training = self.gather(snapshot, settled, cancel).training
        job = _job(snapshot.project, operation, training)
        report = self.replaying.replay(job, progress, _Stop(cancel))
        self.catalog.transact(lambda tx: _publish(tx, operation, report))


def _job(project: Project, operation: Operation, training: TrainingSet) -> ReplayJob:
    """The labels that train; classes without any are left out."""
    # Labels come and go between the call and its turn.
    asked, names = operation.request, str(operation.request["strategies"]).split(",")
    counts = np.bincount(training.classes, minlength=training.class_count)
    check_labels(project, counts)
    check_rounds(asked, names, counts)
    seen, classes = np.unique(training.classes, return_inverse=True)
    return ReplayJob(
        name=project.project_id,
        vectors=training.vectors,
        classes=classes.astype(np.int64),
        class_ids=tuple(project.schema.class_ids[number] for number in seen),
        players=tuple(ReplayPlayer(name, *parts(name)) for name in names),
        seeds=int(asked["seeds"] or 0),
        batch_size=int(asked["batch_size"] or 0),
        budget=int(asked["budget"] or 0),
    )


def _publish(tx: Tx, operation: Operation, report: ReplayReport) -> None:
    done = ended(operation, tx.now_ms(), OperationState.SUCCEEDED)
    result = {"json": report.json, "html": report.html}
    tx.operations.finish(replace(done, result=result), operation.attempt)
