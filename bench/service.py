"""A real server to measure: in a process of its own, filled and asked over the wire."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from google.longrunning import operations_pb2, operations_pb2_grpc
from numpy.typing import NDArray

from alservice.api.v1 import (
    active_learning_service_pb2,
    active_learning_service_pb2_grpc,
    item_pb2,
    pool_service_pb2,
    pool_service_pb2_grpc,
    project_pb2,
    project_service_pb2,
    project_service_pb2_grpc,
    tensor_pb2,
)
from bench.pools import CLASSES, F32, classes_of
from bench.sizes import THREADS
from tests.running_server import running_server

CHUNK_BYTES = 1 << 20
LABELS = 200
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Service:
    """A running server, the stubs to ask it, and where it keeps its files."""

    pid: int
    address: str
    folder: Path
    projects: project_service_pb2_grpc.ProjectServiceStub
    pool: pool_service_pb2_grpc.PoolServiceStub
    learning: active_learning_service_pb2_grpc.ActiveLearningServiceStub
    operations: operations_pb2_grpc.OperationsStub

    @staticmethod
    def of(pid: int, address: str, folder: Path, channel: grpc.Channel) -> "Service":
        """The stubs on a channel."""
        return Service(
            pid=pid,
            address=address,
            folder=folder,
            projects=project_service_pb2_grpc.ProjectServiceStub(channel),
            pool=pool_service_pb2_grpc.PoolServiceStub(channel),
            learning=active_learning_service_pb2_grpc.ActiveLearningServiceStub(channel),
            operations=operations_pb2_grpc.OperationsStub(channel),
        )

    def create_project(self, project_id: str, classes: int = CLASSES) -> str:
        """A project with the usual policy; its name."""
        labels = [project_pb2.ClassLabel(class_id=class_id(c)) for c in range(classes)]
        schema = project_pb2.LabelSchema(classes=project_pb2.ClassSchema(classes=labels))
        request = project_service_pb2.CreateProjectRequest(
            project_id=project_id, project=project_pb2.Project(label_schema=schema)
        )
        return str(self.projects.CreateProject(request).project.name)

    def add_items(self, project: str, vectors: F32, labels: int = LABELS) -> None:
        """Upload all vectors; the first `labels` items bring their class with them."""
        self.pool.AddItems(upload(project, vectors, classes_of(vectors[:labels])))

    def train(self, project: str) -> None:
        """Train, though nothing is new, and wait until it is done."""
        operation = self.learning.Train(
            active_learning_service_pb2.TrainRequest(project=project, force=True)
        )
        while not operation.done:
            request = operations_pb2.WaitOperationRequest(name=operation.name)
            operation = self.operations.WaitOperation(request)
        if operation.HasField("error"):
            raise RuntimeError(operation.error.message)


@contextmanager
def served() -> Iterator[Service]:
    """A server with the embedded default, an empty folder on a real disk, and THREADS threads."""
    with scratch() as folder, serving(folder / "data") as service:
        yield service


@contextmanager
def serving(folder: Path, prefix: tuple[str, ...] = ()) -> Iterator[Service]:
    """A server on a folder, which may hold an earlier one's state, with THREADS threads."""
    with running_server(folder, "--threads", str(THREADS), prefix=prefix) as server:
        yield Service.of(server.process.pid, server.address, server.folder, server.channel)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is removed afterwards; /var/tmp is on a disk even where /tmp is memory."""
    near = os.environ.get("ALSERVICE_BENCH_FOLDER", "/var/tmp")  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="alservice-bench-", dir=near))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def upload(project: str, vectors: F32, classes: I64) -> Iterator[pool_service_pb2.AddItemsRequest]:
    """The messages of an upload, of about a mebibyte each."""
    header = pool_service_pb2.AddItemsHeader(project=project)
    yield pool_service_pb2.AddItemsRequest(header=header)
    step = max(1, CHUNK_BYTES // (vectors.shape[1] * 4))
    for begin in range(0, len(vectors), step):
        rows = range(begin, min(begin + step, len(vectors)))
        part = vectors[rows.start : rows.stop]
        tensor = tensor_pb2.Tensor(
            data=part.tobytes(), dtype=tensor_pb2.DTYPE_F32, shape=part.shape
        )
        columns = item_pb2.ItemColumns(item_ids=map(item_id, rows), vectors=tensor)
        if begin < len(classes):
            given = [class_id(c) for c in classes[rows.start : rows.stop].tolist()]
            columns.class_ids.extend(given + [""] * (len(rows) - len(given)))
        chunk = pool_service_pb2.ItemChunk(offset=begin, columns=columns)
        yield pool_service_pb2.AddItemsRequest(chunk=chunk)


def item_id(row: int) -> str:
    """The id of a row."""
    return f"item-{row:07d}"


def class_id(number: int) -> str:
    """The id of a class."""
    return f"class-{number}"
