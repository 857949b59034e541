"""RenewBatch: hold on to the open items of a batch for longer."""

from dataclasses import dataclass, replace

from alservice.domain.batch import Batch, BatchItem, BatchItemState
from alservice.domain.call import Call
from alservice.domain.errors import BatchClosed, InvalidField
from alservice.domain.names import batch_name
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once
from alservice.usecases.require import lock_project, require_batch

_LONGEST_MS = 90 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class RenewBatchCommand:
    """Which batch, and for how long from now; None means the project's lease duration."""

    project_id: str
    batch_id: str
    lease_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RenewBatch:
    """Extends the leases of what is still open, also of what ran out and nobody else has got."""

    catalog: Catalog

    def __call__(self, call: Call, ask: RenewBatchCommand) -> Batch:
        """The batch after the change.

        Raises ProjectNotFound, BatchNotFound, BatchClosed, InvalidField, RequestIdReused.
        """
        if ask.lease_ms is not None and not 1000 <= ask.lease_ms <= _LONGEST_MS:
            text = "lease_duration must be between 1 second and 90 days"
            raise InvalidField(text, field="lease_duration")
        return self.catalog.transact(lambda tx: _renew(tx, call, ask))


def _renew(tx: Tx, call: Call, ask: RenewBatchCommand) -> Batch:
    project = lock_project(tx, ask.project_id)
    batch = require_batch(tx, ask.project_id, ask.batch_id)
    once(tx, call, ask.project_id, lambda: _extend(tx, project, batch, ask), str, str)
    return require_batch(tx, ask.project_id, ask.batch_id)


def _extend(tx: Tx, project: Project, batch: Batch, ask: RenewBatchCommand) -> str:
    now_ms = tx.now_ms()
    free = _still_ours(tx, project, batch)
    if not free:
        name = batch_name(project.project_id, batch.batch_id)
        text = f"nothing of {name} is left to renew: its items are answered, released or gone"
        raise BatchClosed(text, batch=name)
    expiry = now_ms + (ask.lease_ms or project.policy.lease_duration_ms)
    tx.leases.release(project.project_id, batch.batch_id, [item.item_id for item in free])
    longer = replace(batch, expire_time_ms=expiry)
    tx.leases.insert(project.project_id, [longer.lease(item) for item in free])
    tx.batches.extend(project.project_id, batch.batch_id, expiry)
    tx.projects.update(replace(project, revision=project.revision + 1))
    return "renewed"


def _still_ours(tx: Tx, project: Project, batch: Batch) -> list[BatchItem]:
    """Open items that nobody has settled meanwhile.

    An open item has its lease, run out or not: whoever takes the lease releases the item.
    """
    waiting = [item for item in batch.items if item.state is BatchItemState.OPEN]
    settled = tx.labels.settled_of(project.project_id, [item.item_id for item in waiting])
    return [item for item in waiting if (item.item_id, item.incarnation) not in settled]
