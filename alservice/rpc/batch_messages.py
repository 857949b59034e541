"""Batches between messages and the use cases' words."""

from collections.abc import Iterable, Sequence

from google.protobuf.duration_pb2 import Duration

from alservice.api.v1 import active_learning_service_pb2 as service_pb
from alservice.api.v1 import batch_pb2 as pb
from alservice.domain import names
from alservice.domain.batch import Arm, Batch, BatchItem, BatchItemState
from alservice.domain.item import Attributes
from alservice.domain.page import MAX_PAGE_BYTES
from alservice.rpc.item_messages import render_content
from alservice.rpc.lanes import Lane
from alservice.rpc.project_messages import timestamp
from alservice.usecases.explain_batch import Explanation
from alservice.usecases.get_batch import BatchWithContents, GetBatchCommand
from alservice.usecases.list_batches import ListBatchesCommand
from alservice.usecases.query import QueryCommand, QueryResult
from alservice.usecases.release_batch import ReleaseBatchCommand
from alservice.usecases.renew_batch import RenewBatchCommand

_STATES = {
    BatchItemState.OPEN: pb.BATCH_ITEM_STATE_OPEN,
    BatchItemState.ANSWERED: pb.BATCH_ITEM_STATE_ANSWERED,
    BatchItemState.RELEASED: pb.BATCH_ITEM_STATE_RELEASED,
}
_ARMS = {Arm.STRATEGY: pb.ARM_STRATEGY, Arm.AUDIT: pb.ARM_AUDIT}


def parse_query(request: service_pb.QueryRequest) -> QueryCommand:
    """What to choose."""
    return QueryCommand(
        project_id=names.parse_project(request.project),
        batch_size=request.batch_size,
        strategy=request.strategy,
        diversify=request.diversify,
        parameters=dict(request.parameters),
        annotator_id=request.annotator_id,
        lease_ms=_lease_ms(request),
        with_content=request.view != pb.BATCH_VIEW_IDS,
        explained=request.view == pb.BATCH_VIEW_FULL,
        resume=request.resume,
        dry_run=request.dry_run,
        seed=request.seed if request.HasField("seed") else None,
    )


def parse_get(request: service_pb.GetBatchRequest) -> GetBatchCommand:
    """Which batch."""
    project_id, batch_id = names.parse_batch(request.name)
    return GetBatchCommand(
        project_id,
        batch_id,
        with_content=request.view != pb.BATCH_VIEW_IDS,
        explained=request.view == pb.BATCH_VIEW_FULL,
    )


def lane_of(request: service_pb.GetBatchRequest) -> Lane:
    """To explain a batch takes a pass over the pool."""
    return Lane.SCORE if request.view == pb.BATCH_VIEW_FULL else Lane.READ


def parse_list(request: service_pb.ListBatchesRequest) -> ListBatchesCommand:
    """Which page."""
    return ListBatchesCommand(
        project_id=names.parse_project(request.project),
        page_size=request.page_size,
        page_token=request.page_token,
        annotator_id=request.annotator_id,
        open_only=request.open_only,
        with_content=request.view in (pb.BATCH_VIEW_BASIC, pb.BATCH_VIEW_FULL),
    )


def parse_renew(request: service_pb.RenewBatchRequest) -> RenewBatchCommand:
    """Which batch, and for how long."""
    project_id, batch_id = names.parse_batch(request.name)
    return RenewBatchCommand(project_id, batch_id, _lease_ms(request))


def parse_release(request: service_pb.ReleaseBatchRequest) -> ReleaseBatchCommand:
    """Which batch."""
    return ReleaseBatchCommand(*names.parse_batch(request.name))


def render_query(
    request: service_pb.QueryRequest, project_id: str, result: QueryResult
) -> service_pb.QueryResponse:
    """The answer: it never shows the arm."""
    budget = ContentBudget()
    pairs = _pairs(result.batch.items, result.contents, budget)
    items = [_item(item, content, request.view, to_owner=False) for item, content in pairs]
    _explain(items, result.explanations, budget)
    left_out = len(result.contents) - sum(content is not None for _, content in pairs)
    note = f"The contents of {left_out} items did not fit into this answer; GetItem has them."
    return service_pb.QueryResponse(
        batch=_batch(project_id, result.batch, items),
        unseen_label_count=result.unseen_label_count,
        open_item_count=result.open_item_count,
        notes=[*result.notes, note] if left_out else result.notes,
    )


def render_batch(
    view: "pb.BatchView.ValueType",
    project_id: str,
    found: BatchWithContents,
    budget: "ContentBudget | None" = None,
) -> pb.Batch:
    """A batch as its owner sees it."""
    budget = budget or ContentBudget()
    pairs = _pairs(found.batch.items, found.contents, budget)
    items = [_item(item, content, view, to_owner=True) for item, content in pairs]
    _explain(items, found.explanations, budget)
    return _batch(project_id, found.batch, items)


def render_batches(
    view: "pb.BatchView.ValueType", project_id: str, found: Iterable[BatchWithContents]
) -> list[pb.Batch]:
    """Several of them."""
    budget = ContentBudget()
    return [render_batch(view, project_id, batch, budget) for batch in found]


def render_ids(project_id: str, batch: Batch) -> pb.Batch:
    """A batch without the content of its items."""
    return render_batch(pb.BATCH_VIEW_IDS, project_id, BatchWithContents(batch, ()))


def _lease_ms(request: service_pb.QueryRequest | service_pb.RenewBatchRequest) -> int | None:
    if not request.HasField("lease_duration"):
        return None
    duration: Duration = request.lease_duration
    return duration.seconds * 1000 + duration.nanos // 1_000_000


class ContentBudget:
    """The room for contents in one answer, so that every client can receive it."""

    def __init__(self) -> None:
        self._left = MAX_PAGE_BYTES

    def takes(self, attributes: Attributes) -> bool:
        """Whether these still fit; once some have not, none do."""
        return self.has(sum(part.size_bytes for part in attributes.content))

    def has(self, size_bytes: int) -> bool:
        """Whether there is room for so many bytes more; once there is not, there is none."""
        self._left -= size_bytes
        return self._left >= 0


def _pairs(
    items: Sequence[BatchItem], contents: Sequence[Attributes], budget: ContentBudget
) -> list[tuple[BatchItem, Attributes | None]]:
    """Each item with its contents; None past the room there is."""
    if not contents:
        return [(item, None) for item in items]
    fitting = [content if budget.takes(content) else None for content in contents]
    return list(zip(items, fitting, strict=True))


def _item(
    item: BatchItem,
    attributes: Attributes | None,
    view: "pb.BatchView.ValueType",
    *,
    to_owner: bool,
) -> pb.BatchItem:
    full = view == pb.BATCH_VIEW_FULL
    owner = full and to_owner
    return pb.BatchItem(
        item_id=item.item_id,
        rank=item.rank,
        score=item.score,
        component_scores=item.components if full else None,
        content=render_content(attributes) if attributes and attributes.content else None,
        state=_STATES[item.state],
        arm=_ARMS[item.arm] if owner else pb.ARM_UNSPECIFIED,
        propensity=item.propensity if owner and item.propensity else None,
    )


def _explain(
    items: Sequence[pb.BatchItem], explanations: Sequence[Explanation], budget: "ContentBudget"
) -> None:
    """Say why each item was chosen and what it stands for, where that was asked for."""
    for item, found in zip(items, explanations, strict=False):
        item.reason = found.reason
        item.represented_count = found.represented_count
        if budget.has(sum(len(item_id) for item_id in found.represented_ids)):
            item.represented_item_ids.extend(found.represented_ids)


def _batch(project_id: str, batch: Batch, items: Iterable[pb.BatchItem]) -> pb.Batch:
    model = names.model_name(project_id, batch.model_id) if batch.model_id else ""
    return pb.Batch(
        name=names.batch_name(project_id, batch.batch_id) if batch.batch_id else "",
        items=items,
        annotator_id=batch.annotator_id,
        expire_time=timestamp(batch.expire_time_ms),
        create_time=timestamp(batch.create_time_ms),
        strategy=batch.strategy,
        strategy_version=batch.strategy_version,
        model=model,
        seed=batch.seed,
        revision=batch.revision,
        closed=batch.closed,
        chosen_by=batch.chosen_by,
        because=batch.because,
        pool_index=batch.pool_index,
    )
