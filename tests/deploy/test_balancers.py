"""What every balancer of deploy/ must do, tried on the real one with the file that users get."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import grpc
import numpy as np
import pytest

from alservice.api.v1 import pool_service_pb2 as pool_pb
from alservice.api.v1 import project_service_pb2 as project_pb
from alservice.client.errors import AlreadyExists, InvalidArgument, Unavailable
from alservice.client.patience import BROKEN
from tests.deploy.balancing import KINDS, PATIENCE_S, Balancer, Behind, balancer
from tests.deploy.servers import NOBODY, Pair, behind, client_of, metric, until, whose
from tests.e2e.api import Api, failure, random_vectors

MIB = 1 << 20
ADD_ITEMS = 'rpc_server_in_flight{method="alservice.api.v1.PoolService/AddItems"}'
ADDED = 'rpc_server_handled_total{code="OK",method="alservice.api.v1.PoolService/AddItems"}'
NO_RETRIES = (("grpc.enable_retries", 0),)
NUMBERS = count()


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def both(kind: str, two: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    """Before both servers."""
    with balancer(kind, two.behind, tmp_path_factory.mktemp("both")) as running:
        until(lambda: answers(running))
        yield running


@pytest.fixture(scope="module")
def one(kind: str, two: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    """Before a server that is there and one that is not."""
    replicas = [NOBODY, behind(two.left)]
    with balancer(kind, replicas, tmp_path_factory.mktemp("one")) as running:
        until(lambda: answers(running))
        yield running


def answers(running: Balancer) -> bool:
    """Whether a call comes through."""
    with running.channel() as channel:
        try:
            return bool(whose(channel))
        except grpc.RpcError:
            return False


def test_calls_on_one_connection_reach_both_replicas(both: Balancer) -> None:
    with both.channel() as channel:
        assert {whose(channel) for _ in range(60)} == {"left", "right"}


def test_a_replica_that_is_not_there_is_not_noticed(one: Balancer) -> None:
    with client_of(one) as client:
        for _ in range(30):
            assert "left" in [project.project_id for project in client.projects()]


def test_a_large_upload_passes_in_one_stream_and_is_kept_nowhere_on_its_way(
    one: Balancer, two: Pair
) -> None:
    vectors = random_vectors(32 * 1024, 512)
    assert vectors.nbytes == 64 * MIB
    done, memory = metric(two.left, ADDED), one.peak_bytes()
    with client_of(one) as client:
        project = client.create_project(f"large-{next(NUMBERS)}", ["a"])
        assert project.add_items(vectors).added_count == len(vectors)
        kept = project.item("32767", vector=True).vector
    assert kept is not None and np.array_equal(kept, vectors[32767])
    assert metric(two.left, ADDED) == done + 1
    assert one.peak_bytes() - memory < 32 * MIB
    assert list((one.folder / "temporary").iterdir()) == []


def test_refusals_arrive_in_the_words_of_the_server(one: Balancer) -> None:
    vectors = random_vectors(8192, 256)
    vectors[5000, 3] = np.nan
    with client_of(one) as client:
        project = client.create_project(f"refused-{next(NUMBERS)}", ["a"])
        with pytest.raises(InvalidArgument) as failed:
            project.add_items(vectors)
        assert failed.value.reason == "ERROR_REASON_NON_FINITE_VECTOR"
        many = [f"{'long-' * 90}{row}" for row in range(40)]
        project.add_items(np.zeros((40, 256)), many)
        with pytest.raises(AlreadyExists, match="long-"):  # its details are long
            project.add_items(np.zeros((40, 256)), many)


def test_what_the_caller_gives_up_ends_on_the_server(one: Balancer, two: Pair) -> None:
    over = threading.Event()
    with one.channel() as channel:
        upload = Api(channel).pool.AddItems.future(_nothing_until(over), timeout=PATIENCE_S)
        until(lambda: metric(two.left, ADD_ITEMS) == 1)
        upload.cancel()
        until(lambda: metric(two.left, ADD_ITEMS) == 0)
    over.set()


def test_a_deadline_is_known_to_the_server(one: Balancer, two: Pair) -> None:
    over = threading.Event()
    with one.channel() as channel:
        upload = Api(channel).pool.AddItems.future(_nothing_until(over), timeout=1)
        assert upload.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    until(lambda: metric(two.left, ADD_ITEMS) == 0)
    over.set()


def test_without_any_replica_the_client_says_so(kind: str, tmp_path: Path) -> None:
    with balancer(kind, [NOBODY, NOBODY], tmp_path / "none") as running:
        with running.channel(NO_RETRIES) as channel:
            assert failure(lambda: whose(channel)).code() is grpc.StatusCode.UNAVAILABLE
        with client_of(running) as client:
            client._connection.timeout_s = 1
            with pytest.raises(Unavailable, match=running.address):
                client.project("p")


def test_what_may_have_taken_effect_is_not_repeated_by_the_balancer(
    kind: str, tmp_path: Path
) -> None:
    with (
        dying(tmp_path / "a") as a,
        dying(tmp_path / "b") as b,
        balancer(kind, [a, b], tmp_path / "balancer") as running,
    ):
        error = _first_that_reached_anybody(running, tmp_path)
    assert error.code() in BROKEN  # our client repeats it, under its request_id
    assert sum(_lines(tmp_path / name / "calls") for name in "ab") == 1


def _first_that_reached_anybody(running: Balancer, folder: Path) -> grpc.RpcError:
    """How the call ended that a replica has seen: some balancers take a moment to begin."""
    ask = project_pb.CreateProjectRequest(project_id="p")
    with running.channel(NO_RETRIES) as channel:
        for _ in range(10_000):
            error = failure(lambda: Api(channel).projects.CreateProject(ask, timeout=PATIENCE_S))
            if any(_lines(folder / name / "calls") for name in "ab"):
                return error
    raise AssertionError("no call has reached a replica")


def _lines(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


@contextmanager
def dying(folder: Path) -> Iterator[Behind]:
    """A replica that dies of its first call."""
    folder.mkdir()
    program = Path(__file__).with_name("dying_replica.py")
    process = subprocess.Popen([sys.executable, program, folder])
    try:
        end = time.monotonic() + PATIENCE_S
        while not (folder / "ready").exists():
            assert process.poll() is None and time.monotonic() < end
        yield Behind(*(folder / "ready").read_text().split())
    finally:
        process.kill()
        process.wait()


def _nothing_until(word: threading.Event) -> Iterator[pool_pb.AddItemsRequest]:
    word.wait(PATIENCE_S)
    yield from ()
