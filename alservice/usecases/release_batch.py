"""ReleaseBatch: give the unanswered items of a batch back."""

from dataclasses import dataclass, replace

from alservice.domain.batch import Batch, BatchItemState
from alservice.domain.call import Call
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once
from alservice.usecases.require import lock_project, require_batch


@dataclass(frozen=True, slots=True)
class ReleaseBatchCommand:
    """Which batch."""

    project_id: str
    batch_id: str


@dataclass(frozen=True, slots=True)
class ReleaseBatch:
    """Ends the leases of a batch."""

    catalog: Catalog

    def __call__(self, call: Call, ask: ReleaseBatchCommand) -> Batch:
        """The batch after the change. Raises ProjectNotFound, BatchNotFound, RequestIdReused."""
        return self.catalog.transact(lambda tx: _release(tx, call, ask))


def _release(tx: Tx, call: Call, ask: ReleaseBatchCommand) -> Batch:
    project = lock_project(tx, ask.project_id)
    batch = require_batch(tx, ask.project_id, ask.batch_id)
    once(tx, call, ask.project_id, lambda: _give_back(tx, project, batch), str, str)
    return require_batch(tx, ask.project_id, ask.batch_id)


def _give_back(tx: Tx, project: Project, batch: Batch) -> str:
    waiting = [item.item_id for item in batch.items if item.state is BatchItemState.OPEN]
    if waiting:
        tx.leases.delete_batch(project.project_id, batch.batch_id)
        tx.batches.set_state(project.project_id, batch.batch_id, waiting, BatchItemState.RELEASED)
        tx.projects.update(replace(project, revision=project.revision + 1))
    return "released"
