"""A replica that is cut off from the database is replaced, and does no harm when it comes back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import insight_service_pb2, insight_service_pb2_grpc, label_pb2
from tests.chaos.network import Network, network
from tests.deploy.servers import until
from tests.e2e.api import PATIENCE_S, Api, label, random_vectors
from tests.e2e.wire import info_of
from tests.postgres.server import PostgresServer, new_server
from tests.running_server import RunningServer, running_server

CALLER_S: Final = 30  # what callers have patience for
ROW: Final = "SELECT attempt, owner, state FROM operations WHERE kind = 'simulate'"


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture
def database(net: Network) -> Iterator[PostgresServer]:
    with new_server(listen=net.database) as made:
        yield made


@contextmanager
def replica(
    database: PostgresServer, folder: Path, name: str, net: Network | None = None
) -> Iterator[RunningServer]:
    """One that reaches the database through the network, or by its socket."""
    dsn = database.dsn("postgres", host=net.database if net else "")
    flags = ["--catalog", dsn, "--objects", str(folder / "objects")]
    if net:
        inside = [f"{net.inside}:50051", "--http", f"{net.inside}:8080", "--insecure"]
        flags += ["--listen", *inside]
    prefix = net.prefix if net else ()
    with running_server(folder / name, *flags, prefix=prefix) as server:
        yield server


def test_a_replica_without_its_database_is_replaced_and_does_no_harm_later(
    net: Network, database: PostgresServer, tmp_path: Path
) -> None:
    with replica(database, tmp_path, "far", net) as far, ThreadPoolExecutor(1) as threads:
        api = Api(far.channel)
        project = simulated(api, far.channel)
        until(lambda: operation(database)[2] == "running")
        assert f"-{far.process.pid}-" in operation(database)[1]
        with replica(database, tmp_path, "near") as near:
            net.cut()
            answer = threads.submit(submit, api, project, CALLER_S)
            until(lambda: operation(database)[0] == 2)
            assert f"-{near.process.pid}-" in operation(database)[1]
            error = answer.exception(PATIENCE_S)
            assert isinstance(error, grpc.RpcError)
            assert info_of(error).reason == "ERROR_REASON_CATALOG_UNAVAILABLE"
            assert submit(Api(near.channel), project, PATIENCE_S) == ["RECORDED"]
            net.mend()
            assert submit(api, project, PATIENCE_S) == ["RECORDED"]  # the answer of before
            ends_once(database, api, Api(near.channel))
            logs = [labels(each, project) for each in (api, Api(near.channel))]
            assert logs[0] == logs[1] and sum(item == "i-70" for item in logs[0]) == 1
            assert (far.terminate(), near.terminate()) == (0, 0)


def simulated(api: Api, channel: grpc.Channel) -> str:
    """A project in which a simulation runs that takes minutes."""
    project = api.create("far", reserve_share=0.0)
    api.add(project, random_vectors(80, 16))
    answers = [label(f"i-{n}", ("cat", "dog")[n % 2]) for n in range(60)]
    assert api.label(project, *answers) == ["RECORDED"] * 60
    ask = insight_service_pb2.SimulateRequest(project=project, seeds=50, batch_size=1)
    insight_service_pb2_grpc.InsightServiceStub(channel).Simulate(ask, timeout=PATIENCE_S)
    return project


def submit(api: Api, project: str, timeout_s: float) -> list[str]:
    """One label, always under the same request_id."""
    ask = al.SubmitLabelsRequest(project=project, labels=[label("i-70")], request_id="once")
    statuses = api.active.SubmitLabels(ask, timeout=timeout_s).statuses
    return [label_pb2.LabelStatus.Name(s).removeprefix("LABEL_STATUS_") for s in statuses]


def operation(database: PostgresServer) -> tuple[int, str, str]:
    """Attempt, owner and state of the simulation."""
    ((attempt, owner, state),) = database.ask(ROW)
    return attempt, owner, state


def ends_once(database: PostgresServer, far: Api, near: Api) -> None:
    """Cancelled at the one that has lost it, ended by the one that has it, told by both."""
    ((name,),) = database.ask("SELECT operation_id FROM operations WHERE kind = 'simulate'")
    full = f"projects/far/operations/{name}"
    far.operations.CancelOperation(operations_pb2.CancelOperationRequest(name=full))
    wait = operations_pb2.WaitOperationRequest(name=full)
    ends: list[Any] = [each.operations.WaitOperation(wait, timeout=60) for each in (near, far)]
    assert ends[0] == ends[1] and ends[0].done
    assert operation(database)[0] == 2


def labels(api: Api, project: str) -> list[str]:
    """The items of the log."""
    ask = al.ListLabelsRequest(project=project)
    return [row.item_id for row in api.active.ListLabels(ask, timeout=PATIENCE_S).labels]
