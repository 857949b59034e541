"""What a worker does for a MERGE: fold small segments together, then end the operation."""

from dataclasses import dataclass

from alservice.core import CancelFlag
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationState
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.fail_operation import ended
from alservice.usecases.merge_segments import MergeSegments


@dataclass(frozen=True, slots=True)
class RunMerge:
    """Runs one MERGE operation to its end."""

    catalog: Catalog
    merge: MergeSegments

    def __call__(self, operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        """Run it. Raises Cancelled, ProjectNotFound, DiskFull, Conflict."""
        self.merge(operation.project_id, cancel, progress)

        def finish(tx: Tx) -> None:
            done = ended(operation, tx.now_ms(), OperationState.SUCCEEDED)
            tx.operations.finish(done, operation.attempt)

        self.catalog.transact(finish)
