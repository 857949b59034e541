"""GetBatch: a batch with the state of each item."""

from collections.abc import Sequence
from dataclasses import dataclass

from alservice.domain.batch import Batch
from alservice.domain.call import Call
from alservice.domain.item import Attributes
from alservice.ports.catalog import Catalog
from alservice.usecases.batch_contents import BatchContents
from alservice.usecases.explain_batch import ExplainBatch, Explanation
from alservice.usecases.require import require_batch


@dataclass(frozen=True, slots=True)
class GetBatchCommand:
    """Which batch."""

    project_id: str
    batch_id: str
    with_content: bool = True
    explained: bool = False


@dataclass(frozen=True, slots=True)
class BatchWithContents:
    """A batch; `contents` and `explanations` are by item, empty if not asked for."""

    batch: Batch
    contents: Sequence[Attributes]
    explanations: Sequence[Explanation] = ()


@dataclass(frozen=True, slots=True)
class GetBatch:
    """Reads one batch."""

    catalog: Catalog
    contents: BatchContents
    explain: ExplainBatch

    def __call__(self, call: Call, ask: GetBatchCommand) -> BatchWithContents:
        """The batch. Raises ProjectNotFound, BatchNotFound, and what ExplainBatch raises."""
        batch = self.catalog.read(lambda tx: require_batch(tx, ask.project_id, ask.batch_id))
        contents = self.contents(ask.project_id, batch.items) if ask.with_content else ()
        explanations: Sequence[Explanation] = ()
        if ask.explained:
            explanations = self.explain(ask.project_id, batch, call.cancel)
        return BatchWithContents(batch, contents, explanations)
