"""Replicas on one PostgreSQL: one that dies in an upload, and a worker that works for them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tests.deploy.balancing import balancer
from tests.deploy.servers import behind, client_of, metric
from tests.e2e.api import Api, failure, random_vectors
from tests.postgres.server import shared_server
from tests.running_server import RunningServer, running_server

ADD_ITEMS = 'rpc_server_in_flight{method="alservice.api.v1.PoolService/AddItems"}'


@dataclass(frozen=True)
class Replicas:
    """Two that answer and one that works, all on one catalog and one place for files."""

    api: list[RunningServer]
    worker: RunningServer


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    folder = tmp_path_factory.mktemp("replicas")
    with shared_server().database("template0") as name, ExitStack() as stack:
        shared = ("--catalog", shared_server().dsn(name), "--objects", str(folder / "objects"))
        started = [
            stack.enter_context(running_server(folder / process, *shared, "--role", role))
            for process, role in (("one", "api"), ("two", "api"), ("worker", "worker"))
        ]
        yield Replicas(started[:2], started[2])


def test_a_worker_does_what_replicas_queue_and_answers_no_calls(
    replicas: Replicas, tmp_path: Path
) -> None:
    places = [behind(server) for server in replicas.api]
    with (
        balancer("haproxy", places, tmp_path / "haproxy") as running,
        client_of(running) as client,
    ):
        project = client.create_project("split", ["a", "b"], reserve_share=0.0)
        project.add_items(random_vectors(50, 8))
        batch = project.query(8)
        assert project.submit_labels(batch.ids, ["a", "b"] * 4) == ["recorded"] * 8
        assert project.train().label_count == 8
    error = failure(lambda: Api(replicas.worker.channel).show("projects/split"))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_an_upload_goes_on_at_another_replica_when_its_own_is_killed(
    replicas: Replicas, tmp_path: Path
) -> None:
    vectors = random_vectors(64 * 1024, 512)
    places = [behind(server) for server in replicas.api]
    with (
        balancer("nginx", places, tmp_path / "nginx") as running,
        client_of(running) as client,
        ThreadPoolExecutor(1) as threads,
    ):
        project = client.create_project("long", ["a"], reserve_share=0.0)
        upload = threads.submit(project.add_items, vectors)
        victim = kill_the_busy_one(replicas, upload.done)
        assert upload.result().added_count == len(vectors)
        stats = project.info().stats
        assert stats is not None and stats.item_count == len(vectors)
        assert victim.process.poll() is not None


def kill_the_busy_one(replicas: Replicas, over: Callable[[], bool]) -> RunningServer:
    """The replica that had the upload."""
    while not over():
        for server in replicas.api:
            if metric(server, ADD_ITEMS) == 1:
                assert not over()
                server.kill()
                return server
    raise AssertionError("the upload was over before anybody was seen to have it")
