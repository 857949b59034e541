"""The whole API over one channel, with the few requests that most tests begin with."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc
import numpy as np
import pytest
from google.longrunning import operations_pb2_grpc

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import (
    active_learning_service_pb2_grpc,
    item_pb2,
    label_pb2,
    model_service_pb2_grpc,
    pool_service_pb2_grpc,
    project_pb2,
    project_service_pb2_grpc,
    strategy_service_pb2_grpc,
    tensor_pb2,
)
from alservice.api.v1 import pool_service_pb2 as pool_pb
from alservice.api.v1 import project_service_pb2 as project_pb
from tests.e2e.wire import info_of

PATIENCE_S: Final = 60


class Api:
    """Stubs of all services. Items are named i-0, i-1, ... unless said otherwise."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.active = active_learning_service_pb2_grpc.ActiveLearningServiceStub(channel)
        self.projects = project_service_pb2_grpc.ProjectServiceStub(channel)
        self.pool = pool_service_pb2_grpc.PoolServiceStub(channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(channel)
        self.strategies = strategy_service_pb2_grpc.StrategyServiceStub(channel)
        self.operations = operations_pb2_grpc.OperationsStub(channel)

    def create(
        self, project_id: str, classes: Sequence[str] = ("cat", "dog"), **policy: Any
    ) -> str:
        """The name of a new project."""
        project = project_pb2.Project(policy=project_pb2.Policy(**policy))
        project.label_schema.classes.SetInParent()
        project.label_schema.classes.classes.extend(
            project_pb2.ClassLabel(class_id=name) for name in classes
        )
        ask = project_pb.CreateProjectRequest(project_id=project_id, project=project)
        return self.projects.CreateProject(ask, timeout=PATIENCE_S).project.name

    def add(self, project: str, vectors: np.ndarray[Any, Any], **more: Any) -> None:
        """Items i-0, i-1, ... with these vectors, as a stream."""
        header = pool_pb.AddItemsHeader(project=project, **more)
        self.pool.AddItems(iter(upload(header, vectors)), timeout=PATIENCE_S)

    def show(self, project: str) -> project_pb2.Project:
        """The project, with its counts."""
        ask = project_pb.GetProjectRequest(name=project)
        return self.projects.GetProject(ask, timeout=PATIENCE_S).project

    def query(self, project: str, **more: Any) -> al.QueryResponse:
        """A batch."""
        ask = al.QueryRequest(project=project, **more)
        return self.active.Query(ask, timeout=PATIENCE_S)

    def label(self, project: str, *labels: label_pb2.Label) -> list[str]:
        """What became of each: RECORDED, LATE, ..."""
        ask = al.SubmitLabelsRequest(project=project, labels=labels)
        statuses = self.active.SubmitLabels(ask, timeout=PATIENCE_S).statuses
        words = map(label_pb2.LabelStatus.Name, statuses)
        return [word.removeprefix("LABEL_STATUS_") for word in words]


def columns(vectors: np.ndarray[Any, Any], start: int = 0, **more: Any) -> item_pb2.ItemColumns:
    """Items i-START, ... with these vectors (n, d)."""
    vectors = np.ascontiguousarray(vectors, dtype="<f4")
    tensor = tensor_pb2.Tensor(
        data=vectors.tobytes(), dtype=tensor_pb2.DTYPE_F32, shape=vectors.shape
    )
    ids = [f"i-{index}" for index in range(start, start + len(vectors))]
    fields: dict[str, Any] = {"item_ids": ids, "vectors": tensor} | more
    return item_pb2.ItemColumns(**fields)


def upload(
    header: pool_pb.AddItemsHeader, vectors: np.ndarray[Any, Any], start: int = 0
) -> list[pool_pb.AddItemsRequest]:
    """The messages of a stream: at most 1 MiB of vectors in each."""
    step = max(1, 2**20 // (4 * max(vectors.shape[1], 1)))
    chunks = [
        pool_pb.ItemChunk(offset=offset, columns=columns(vectors[offset : offset + step], offset))
        for offset in range(start, len(vectors), step)
    ]
    first = pool_pb.AddItemsRequest(header=header)
    return [first, *(pool_pb.AddItemsRequest(chunk=chunk) for chunk in chunks)]


def label(item_id: str, class_id: str = "cat", **more: Any) -> label_pb2.Label:
    """An answer."""
    return label_pb2.Label(item_id=item_id, class_id=class_id, **more)


def failure(call: Callable[[], object]) -> grpc.RpcError:
    """The error that `call` ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def random_vectors(rows: int, dimension: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Normal ones (rows, dimension), f32."""
    return np.random.default_rng(seed).standard_normal((rows, dimension), dtype=np.float32)


def kept(api: Api, ask: pool_pb.GetUploadRequest) -> int:
    """How many items of an upload have arrived; 0 if the server does not know it."""
    try:
        return api.pool.GetUpload(ask).received_item_count
    except grpc.RpcError as error:
        if info_of(error).reason != "ERROR_REASON_UPLOAD_NOT_FOUND":
            raise
        return 0


def until(look: Callable[[], int]) -> int:
    """The first number that is not 0; each look is a round trip, so there are enough of them."""
    return next(number for _ in range(100_000) if (number := look()))
