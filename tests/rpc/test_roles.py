"""An api process answers and leaves operations alone; a worker works and answers health alone."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.bootstrap import App
from alservice.config import Settings
from alservice.domain.operation import OperationState
from tests.e2e.api import Api, label, random_vectors
from tests.rpc.edge import failure

PATIENCE_S = 120
SERVICE = "alservice.api.v1.ActiveLearningService"


@contextmanager
def serving(
    loop: asyncio.AbstractEventLoop, folder: Path, role: str
) -> Iterator[tuple[App, grpc.Channel]]:
    """A server of this role on a folder that no other process has."""
    settings = Settings(data=folder, role=role, listen="127.0.0.1:0", http=None, log_level="error")

    async def start() -> App:
        app = await App(settings).__aenter__()
        await app.start()
        return app

    async def stop(app: App) -> None:
        await app.drain()
        await app.__aexit__(None, None, None)

    app = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE_S)
    try:
        with grpc.insecure_channel(app.address) as channel:
            yield app, channel
    finally:
        asyncio.run_coroutine_threadsafe(stop(app), loop).result(PATIENCE_S)


def health(channel: grpc.Channel, service: str = "") -> int:
    request = health_pb2.HealthCheckRequest(service=service)
    answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=PATIENCE_S)
    return int(answer.status)


def queue_training(channel: grpc.Channel) -> str:
    """The name of an operation that waits for a worker."""
    api = Api(channel)
    project = api.create("split", reserve_share=0.0)
    api.add(project, random_vectors(20, 4))
    api.label(project, *(label(f"i-{row}", class_id=("cat", "dog")[row % 2]) for row in range(8)))
    return str(api.active.Train(al.TrainRequest(project=project), timeout=PATIENCE_S).name)


def state_of(app: App, name: str) -> OperationState:
    """As the catalog has it: a worker's port does not tell."""
    operation_id = name.rpartition("/")[2]
    found = app._workers[0]._catalog.read(lambda tx: tx.operations.get("split", operation_id))
    assert found is not None
    return found.state


def test_what_an_api_process_queues_a_worker_carries_out(
    loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    with serving(loop, tmp_path, "api") as (app, channel):
        assert health(channel, SERVICE) == health_pb2.HealthCheckResponse.SERVING
        name = queue_training(channel)
        assert [worker._kinds for worker in app._workers] == [()]
        assert state_of(app, name) is OperationState.QUEUED
    with serving(loop, tmp_path, "worker") as (app, _):
        end = time.monotonic() + PATIENCE_S
        while state_of(app, name) is not OperationState.SUCCEEDED:
            assert time.monotonic() < end


def test_a_worker_answers_health_and_nothing_else(
    loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    with serving(loop, tmp_path, "worker") as (_, channel):
        assert health(channel) == health_pb2.HealthCheckResponse.SERVING
        error = failure(lambda: health(channel, SERVICE))
        assert error.code() is grpc.StatusCode.NOT_FOUND
        error = failure(lambda: Api(channel).create("nowhere"))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
