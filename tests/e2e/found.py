"""What a server says when it is asked for everything: the state that a history must explain."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import grpc
import numpy as np
from google.longrunning import operations_pb2, operations_pb2_grpc

from alservice.api.v1 import (
    active_learning_service_pb2 as al,
)
from alservice.api.v1 import (
    active_learning_service_pb2_grpc as al_grpc,
)
from alservice.api.v1 import (
    batch_pb2,
    label_pb2,
    model_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    pool_service_pb2,
    pool_service_pb2_grpc,
    project_service_pb2,
    project_service_pb2_grpc,
)


@dataclass(frozen=True, slots=True)
class FoundItem:
    """An item. `vector` is None if it was not asked for."""

    item_id: str
    incarnation: int = 1
    cost: float = 0.0
    settled_class: str = ""
    vector: bytes | None = None


@dataclass(frozen=True, slots=True)
class FoundLabel:
    """A row of the log. `token` 0: it came with an item."""

    token: int
    item_id: str
    annotator: str
    class_id: str
    incarnation: int = 1
    outcome: str = "VALUE"
    provenance: str = "IMPORTED"
    batch: str = ""
    settled: bool = False
    create_ms: int = 0

    @property
    def fixed(self) -> "FoundLabel":
        """All that never changes."""
        return replace(self, settled=False)


@dataclass(frozen=True, slots=True)
class FoundBatch:
    """A batch, with (item, state) in rank order. Times in ms."""

    name: str
    annotator: str
    items: tuple[tuple[str, str], ...]
    expire_ms: int = 0
    create_ms: int = 0


@dataclass(frozen=True, slots=True)
class FoundOperation:
    """A training; `outcome` is "" while it goes on, else its result."""

    name: str
    model: str
    attempt: int = 0
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything in one project."""

    items: tuple[FoundItem, ...] = ()
    labels: tuple[FoundLabel, ...] = ()
    settled_labels: tuple[FoundLabel, ...] = ()
    batches: tuple[FoundBatch, ...] = ()
    operations: tuple[FoundOperation, ...] = ()
    models: tuple[tuple[str, str], ...] = ()
    revision: int = 0
    counts: tuple[tuple[str, int], ...] = ()


def pages(method: Callable[..., Any], request: Any, rows: str) -> Iterator[Any]:
    """All rows of all pages."""
    while True:
        page = method(request, timeout=60)
        yield from getattr(page, rows)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def read(channel: grpc.Channel, project: str, *, vectors: bool = False) -> Found:
    """Ask for everything; no client may be at work meanwhile."""
    active = al_grpc.ActiveLearningServiceStub(channel)
    shown = project_service_pb2_grpc.ProjectServiceStub(channel).GetProject(
        project_service_pb2.GetProjectRequest(name=project)
    )
    log = al.ListLabelsRequest(project=project, page_size=10_000)
    settled = al.ListLabelsRequest(project=project, page_size=10_000, settled_only=True)
    listed = pool_service_pb2.ListItemsRequest(
        project=project, page_size=1000, include_vectors=vectors
    )
    batches = al.ListBatchesRequest(project=project, page_size=1000, view=batch_pb2.BATCH_VIEW_IDS)
    pool = pool_service_pb2_grpc.PoolServiceStub(channel)
    stats = shown.project.stats
    return Found(
        items=tuple(map(_item, pages(pool.ListItems, listed, "items"))),
        labels=tuple(map(_label, pages(active.ListLabels, log, "labels"))),
        settled_labels=tuple(map(_label, pages(active.ListLabels, settled, "labels"))),
        batches=tuple(map(_batch, pages(active.ListBatches, batches, "batches"))),
        operations=read_operations(channel, project),
        models=_models(channel, project),
        revision=shown.project.revision,
        counts=tuple((field.name, value) for field, value in stats.ListFields()),
    )


def read_operations(channel: grpc.Channel, project: str) -> tuple[FoundOperation, ...]:
    """All trainings."""
    stub = operations_pb2_grpc.OperationsStub(channel)
    request = operations_pb2.ListOperationsRequest(name=project, page_size=1000)
    return tuple(map(_operation, pages(stub.ListOperations, request, "operations")))


def _models(channel: grpc.Channel, project: str) -> tuple[tuple[str, str], ...]:
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = model_service_pb2.ListModelsRequest(project=project, page_size=1000)
    models = pages(stub.ListModels, request, "models")
    return tuple(
        (m.name, model_pb2.ModelState.Name(m.state).removeprefix("MODEL_STATE_")) for m in models
    )


def _item(item: Any) -> FoundItem:
    vector = np.asarray(item.vector, dtype="<f4").tobytes() if item.vector else None
    return FoundItem(item.item_id, item.incarnation, item.cost, item.settled_class_id, vector)


def _label(label: label_pb2.Label) -> FoundLabel:
    return FoundLabel(
        token=int(label.seconds_spent),
        item_id=label.item_id,
        annotator=label.annotator_id,
        class_id=label.class_id,
        incarnation=label.incarnation,
        outcome=label_pb2.LabelOutcome.Name(label.outcome).removeprefix("LABEL_OUTCOME_"),
        provenance=label_pb2.LabelProvenance.Name(label.provenance).removeprefix(
            "LABEL_PROVENANCE_"
        ),
        batch=label.batch,
        settled=label.settled,
        create_ms=label.create_time.ToMilliseconds(),
    )


def _batch(batch: batch_pb2.Batch) -> FoundBatch:
    return FoundBatch(
        name=batch.name,
        annotator=batch.annotator_id,
        items=tuple(
            (item.item_id, state_word(item.state))
            for item in sorted(batch.items, key=lambda item: item.rank)
        ),
        expire_ms=batch.expire_time.ToMilliseconds(),
        create_ms=batch.create_time.ToMilliseconds(),
    )


def state_word(state: "batch_pb2.BatchItemState.ValueType") -> str:
    """OPEN, ANSWERED or RELEASED."""
    return batch_pb2.BatchItemState.Name(state).removeprefix("BATCH_ITEM_STATE_")


def _operation(operation: Any) -> FoundOperation:
    metadata = al.TrainMetadata()
    operation.metadata.Unpack(metadata)
    return FoundOperation(operation.name, metadata.model, metadata.attempt, outcome_of(operation))


def outcome_of(operation: Any) -> str:
    """How a training ended, in a few bytes; "" while it goes on."""
    if not operation.done:
        return ""
    if operation.HasField("error"):
        return f"error {operation.error.code}: {operation.error.message}"
    model = model_pb2.Model()
    operation.response.Unpack(model)
    model.active = False  # the one thing about a model that changes
    return model.SerializeToString(deterministic=True).hex()
