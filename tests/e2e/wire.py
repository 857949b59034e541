"""Actions of a history as calls over a channel, and their answers as results."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc
import numpy as np
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from numpy.typing import NDArray

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import active_learning_service_pb2_grpc as al_grpc
from alservice.api.v1 import (
    batch_pb2,
    item_pb2,
    label_pb2,
    project_pb2,
    project_service_pb2,
    project_service_pb2_grpc,
    tensor_pb2,
)
from alservice.api.v1 import pool_service_pb2 as pool_pb
from alservice.api.v1 import pool_service_pb2_grpc as pool_grpc
from tests.e2e.history import (
    Add,
    Answer,
    Ask,
    Count,
    Delete,
    Handed,
    Hold,
    Queued,
    Release,
    Renew,
    Request,
    Result,
    Statuses,
    Submit,
    Train,
    Update,
)

PROJECT: Final = "projects/crash"
DIMENSION: Final = 512
CLASSES: Final = ("ant", "bee", "cat")
CHUNK: Final = 200
TIMEOUT_S: Final = 60
RENEWED_S: Final = 7200


def create_project(channel: grpc.Channel, strategy: str = "") -> None:
    """The project of these tests: `PROJECT`; its strategy is the default unless given."""
    project = project_pb2.Project(policy=project_pb2.Policy(strategy=strategy))
    classes = [project_pb2.ClassLabel(class_id=name) for name in CLASSES]
    project.label_schema.classes.classes.extend(classes)
    project.vector_space.dimension = DIMENSION
    stub = project_service_pb2_grpc.ProjectServiceStub(channel)
    stub.CreateProject(
        project_service_pb2.CreateProjectRequest(project_id="crash", project=project)
    )


def class_of(item_id: str) -> str:
    """What an honest annotator says."""
    return CLASSES[zlib.crc32(item_id.encode()) % len(CLASSES)]


def vectors_of(ids: tuple[str, ...]) -> NDArray[np.float32]:
    """Vectors (n, DIMENSION) that depend on nothing but the ids, and show the class."""
    keys = np.array([zlib.crc32(i.encode()) for i in ids], dtype=np.uint64)
    columns = np.arange(DIMENSION, dtype=np.uint64)
    noise = ((keys[:, None] * 2654435761 + columns * 40503) % 1009).astype(
        np.float32
    ) / np.float32(1009)
    noise[np.arange(len(ids)), keys % len(CLASSES)] += 3
    return noise


class CallFailed(Exception):
    """A call ended with an error. `reason` is the service's, without its prefix; "" for none."""

    def __init__(self, code: grpc.StatusCode, reason: str, text: str | None) -> None:
        super().__init__(f"{code.name} {reason} {text}")
        self.code = code
        self.reason = reason


class Wire:
    """Sends requests. Every repetition of a request is the same on the wire."""

    def __init__(self, channel: grpc.Channel, project: str) -> None:
        self._project = project
        self._active = al_grpc.ActiveLearningServiceStub(channel)
        self._pool = pool_grpc.PoolServiceStub(channel)

    def send(self, request: Request) -> Result:
        """The answer. Raises CallFailed."""
        try:
            return self._senders()[type(request.action)](request.action, request.request_id)
        except grpc.RpcError as error:
            raise CallFailed(error.code(), reason_of(error), error.details()) from error

    def _call(self, method: Callable[..., Any], ask: Any) -> Any:
        """One unary call."""
        return method(ask, timeout=TIMEOUT_S)

    def _senders(self) -> dict[type[Any], Callable[[Any, str], Result]]:
        return {
            Add: self._add,
            Delete: self._delete,
            Update: self._update,
            Ask: self._ask,
            Submit: self._submit,
            Renew: self._renew,
            Release: self._release,
            Train: self._train,
        }

    def _add(self, add: Add, request_id: str) -> Result:
        policy = pool_pb.CONFLICT_POLICY_REPLACE if add.replace else pool_pb.CONFLICT_POLICY_ERROR
        if add.streamed:
            header = pool_pb.AddItemsHeader(
                project=self._project, upload_id=request_id, on_conflict=policy
            )
            return self._stream(header, add)
        ask = pool_pb.BatchAddItemsRequest(
            project=self._project,
            columns=_columns(add, 0, len(add.ids)),
            on_conflict=policy,
            request_id=request_id,
        )
        return added(self._call(self._pool.BatchAddItems, ask).result)

    def _stream(self, header: pool_pb.AddItemsHeader, add: Add) -> Result:
        """An upload, from where an earlier stream of it broke."""
        messages = _messages(header, add, self._arrived(header.upload_id))
        return added(self._pool.AddItems(messages, timeout=TIMEOUT_S))

    def _arrived(self, upload_id: str) -> int:
        """How much of the upload is kept; 0 if the server does not know it."""
        ask = pool_pb.GetUploadRequest(project=self._project, upload_id=upload_id)
        try:
            return self._pool.GetUpload(ask, timeout=TIMEOUT_S).received_item_count
        except grpc.RpcError as error:
            if reason_of(error) != "UPLOAD_NOT_FOUND":
                raise
            return 0

    def _delete(self, delete: Delete, request_id: str) -> Result:
        ask = pool_pb.DeleteItemsRequest(
            project=self._project, item_ids=delete.ids, request_id=request_id
        )
        answer = self._call(self._pool.DeleteItems, ask)
        return Count((answer.deleted_count, answer.missing_count, answer.revision))

    def _update(self, update: Update, request_id: str) -> Result:
        ask = pool_pb.UpdateItemsRequest(
            project=self._project,
            items=[item_pb2.Item(item_id=i, cost=update.cost) for i in update.ids],
            request_id=request_id,
        )
        ask.update_mask.paths.append("cost")
        answer = self._call(self._pool.UpdateItems, ask)
        return Count((answer.updated_count, answer.revision))

    def _ask(self, ask: Ask, request_id: str) -> Result:
        query = al.QueryRequest(
            project=self._project,
            batch_size=ask.size,
            strategy=ask.strategy,
            annotator_id=ask.annotator,
            view=batch_pb2.BATCH_VIEW_IDS,
            request_id=request_id,
        )
        query.lease_duration.FromSeconds(ask.lease_s)
        answer = self._call(self._active.Query, query)
        batch = answer.batch
        told = (
            f"{batch.strategy} {batch.seed} {batch.model} {batch.revision} {list(answer.notes)} "
            f"{answer.unseen_label_count} {[(i.rank, i.score) for i in batch.items]}"
        )
        return Handed(batch.name, _ids(batch), told, _hold(batch, ask.lease_s, batch.revision))

    def _submit(self, submit: Submit, request_id: str) -> Result:
        ask = al.SubmitLabelsRequest(
            project=self._project, labels=map(_label, submit.answers), request_id=request_id
        )
        answer = self._call(self._active.SubmitLabels, ask)
        words = (label_pb2.LabelStatus.Name(s) for s in answer.statuses)
        return Statuses(
            tuple(word.removeprefix("LABEL_STATUS_") for word in words),
            answer.settled_count,
            answer.unseen_label_count,
        )

    def _renew(self, renew: Renew, request_id: str) -> Result:
        ask = al.RenewBatchRequest(name=renew.batch, request_id=request_id)
        ask.lease_duration.FromSeconds(RENEWED_S)
        batch = self._call(self._active.RenewBatch, ask).batch
        return Handed(batch.name, _ids(batch), hold=_hold(batch, RENEWED_S))

    def _release(self, release: Release, request_id: str) -> Result:
        ask = al.ReleaseBatchRequest(name=release.batch, request_id=request_id)
        batch = self._call(self._active.ReleaseBatch, ask).batch
        return Handed(batch.name, _ids(batch))

    def _train(self, train: Train, request_id: str) -> Result:
        ask = al.TrainRequest(project=self._project, force=train.force, request_id=request_id)
        operation = self._call(self._active.Train, ask)
        metadata = al.TrainMetadata()
        operation.metadata.Unpack(metadata)
        return Queued(operation.name, metadata.model)


def reason_of(error: grpc.RpcError) -> str:
    """The reason without its prefix; "" if the error carries none."""
    return str(info_of(error).reason).removeprefix("ERROR_REASON_")


def info_of(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    """What an error says for programs; empty if nothing."""
    return details_of(error).get("google.rpc.ErrorInfo", error_details_pb2.ErrorInfo())


def details_of(error: grpc.RpcError) -> dict[str, Any]:
    """All details of an error, by the name of their type."""
    status = rpc_status.from_call(error)
    kinds: tuple[type[Message], ...] = (
        error_details_pb2.ErrorInfo,
        error_details_pb2.BadRequest,
        error_details_pb2.ResourceInfo,
    )
    found: dict[str, Any] = {}
    for detail in status.details if status else ():
        for kind in kinds:
            message = kind()
            if detail.Is(kind.DESCRIPTOR) and detail.Unpack(message):
                found[kind.DESCRIPTOR.full_name] = message
    return found


def _columns(add: Add, start: int, stop: int) -> item_pb2.ItemColumns:
    vectors = vectors_of(add.ids[start:stop])
    tensor = tensor_pb2.Tensor(
        data=vectors.tobytes(), dtype=tensor_pb2.DTYPE_F32, shape=vectors.shape
    )
    return item_pb2.ItemColumns(
        item_ids=add.ids[start:stop], vectors=tensor, class_ids=add.classes[start:stop]
    )


def _messages(
    header: pool_pb.AddItemsHeader, add: Add, arrived: int
) -> Iterator[pool_pb.AddItemsRequest]:
    yield pool_pb.AddItemsRequest(header=header)
    for start in range(arrived, len(add.ids), CHUNK):
        columns = _columns(add, start, min(start + CHUNK, len(add.ids)))
        yield pool_pb.AddItemsRequest(chunk=pool_pb.ItemChunk(offset=start, columns=columns))


def added(answer: pool_pb.AddItemsResponse) -> Count:
    """What an upload has changed."""
    return Count(
        (
            answer.added_count,
            answer.skipped_count,
            answer.replaced_count,
            answer.label_count,
            answer.revision,
        )
    )


def _ids(batch: batch_pb2.Batch) -> tuple[str, ...]:
    return tuple(item.item_id for item in batch.items)


def _hold(batch: batch_pb2.Batch, lease_s: int, revision: int = 0) -> Hold:
    """What the answer promises: a lease counts from the catalog's now."""
    until_ms = batch.expire_time.ToMilliseconds()
    held = [i.item_id for i in batch.items if i.state == batch_pb2.BATCH_ITEM_STATE_OPEN]
    return Hold(until_ms - 1000 * lease_s, until_ms, tuple(held), revision)


def _label(answer: Answer) -> label_pb2.Label:
    label = label_pb2.Label(
        item_id=answer.item_id,
        outcome=label_pb2.LabelOutcome.Value(f"LABEL_OUTCOME_{answer.outcome}"),
        annotator_id=answer.annotator,
        seconds_spent=answer.token,
    )
    if answer.class_id:
        label.class_id = answer.class_id
    if answer.corrected:
        label.provenance = label_pb2.LABEL_PROVENANCE_CORRECTED
    return label
