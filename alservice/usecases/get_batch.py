"""GetBatch: a batch with the state of each item."""

from collections.abc import Sequence
from dataclasses import dataclass

from alservice.domain.batch import Batch
from alservice.domain.call import Call
from alservice.domain.item import Attributes
from alservice.ports.catalog import Catalog
from alservice.usecases.batch_contents import BatchContents
from alservice.usecases.batch_fan_out import BatchFanOut, FanOut
from alservice.usecases.require import require_batch


@dataclass(frozen=True, slots=True)
class GetBatchCommand:
    """Which batch."""

    project_id: str
    batch_id: str
    with_content: bool = True
    with_fan_out: bool = False


@dataclass(frozen=True, slots=True)
class BatchWithContents:
    """A batch; `contents` and `fan_out` are by item, empty if not asked for."""

    batch: Batch
    contents: Sequence[Attributes]
    fan_out: Sequence[FanOut] = ()


@dataclass(frozen=True, slots=True)
class GetBatch:
    """Reads one batch."""

    catalog: Catalog
    contents: BatchContents
    fan_out: BatchFanOut

    def __call__(self, call: Call, ask: GetBatchCommand) -> BatchWithContents:
        """The batch. Raises ProjectNotFound, BatchNotFound."""
        batch = self.catalog.read(lambda tx: require_batch(tx, ask.project_id, ask.batch_id))
        contents = self.contents(ask.project_id, batch.items) if ask.with_content else ()
        fan_out: Sequence[FanOut] = ()
        if ask.with_fan_out:
            fan_out = self.fan_out(ask.project_id, batch.items, call.cancel)
        return BatchWithContents(batch, contents, fan_out)
