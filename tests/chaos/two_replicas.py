"""Two replicas on one database and one folder of objects, and an operation that takes minutes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import insight_service_pb2, insight_service_pb2_grpc, label_pb2
from tests.e2e.api import PATIENCE_S, Api, label, random_vectors
from tests.postgres.server import PostgresServer
from tests.running_server import RunningServer, running_server

_ROW: Final = """
    SELECT attempt, owner, state, lease_until_ms FROM operations WHERE kind = 'simulate'
"""
_NOW: Final = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"


@contextmanager
def replica(
    database: PostgresServer, folder: Path, name: str, *flags: str, prefix: tuple[str, ...] = ()
) -> Iterator[RunningServer]:
    """One of them, on its own folder; its command line begins with `prefix`."""
    places = ("--catalog", database.dsn("postgres"), "--objects", str(folder / "objects"))
    with running_server(folder / name, *places, *flags, prefix=prefix) as server:
        yield server


def simulated(server: RunningServer, project_id: str = "far") -> str:
    """A project in which a simulation is queued."""
    api = Api(server.channel)
    project = api.create(project_id, reserve_share=0.0)
    api.add(project, random_vectors(80, 16))
    answers = [label(f"i-{n}", ("cat", "dog")[n % 2]) for n in range(60)]
    assert api.label(project, *answers) == ["RECORDED"] * 60
    ask = insight_service_pb2.SimulateRequest(project=project, seeds=50, batch_size=1)
    insights = insight_service_pb2_grpc.InsightServiceStub(server.channel)
    insights.Simulate(ask, timeout=PATIENCE_S)
    return project


def now_ms(database: PostgresServer) -> int:
    """By the database's clock."""
    ((now,),) = database.ask(_NOW)
    return int(now)


def row(database: PostgresServer) -> tuple[int, str, str, int]:
    """Attempt, owner, state and end of the lease (ms) of the simulation."""
    ((attempt, owner, state, lease_until_ms),) = database.ask(_ROW)
    return attempt, owner, state, lease_until_ms


def is_at(server: RunningServer, database: PostgresServer) -> bool:
    """Whether this replica has the simulation."""
    _, owner, state, _ = row(database)
    return state == "running" and f"-{server.process.pid}-" in owner


def submit(server: RunningServer, project: str, timeout_s: float = PATIENCE_S) -> list[str]:
    """One label, always under the same request_id."""
    ask = al.SubmitLabelsRequest(project=project, labels=[label("i-70")], request_id="once")
    statuses = Api(server.channel).active.SubmitLabels(ask, timeout=timeout_s).statuses
    return [label_pb2.LabelStatus.Name(s).removeprefix("LABEL_STATUS_") for s in statuses]


def labelled(server: RunningServer, project: str) -> list[str]:
    """The items of the log."""
    ask = al.ListLabelsRequest(project=project)
    rows = Api(server.channel).active.ListLabels(ask, timeout=PATIENCE_S).labels
    return [each.item_id for each in rows]


def ends_once(database: PostgresServer, *servers: RunningServer) -> None:
    """Cancelled at the last, which has lost it; ended by who has it; told alike by all."""
    ((project, operation),) = database.ask(
        "SELECT project_id, operation_id FROM operations WHERE kind = 'simulate'"
    )
    name = f"projects/{project}/operations/{operation}"
    apis = [Api(server.channel) for server in servers]
    apis[-1].operations.CancelOperation(operations_pb2.CancelOperationRequest(name=name))
    wait = operations_pb2.WaitOperationRequest(name=name)
    ends: list[Any] = [each.operations.WaitOperation(wait, timeout=PATIENCE_S) for each in apis]
    assert all(end == ends[0] and end.done for end in ends)
    assert ends[0].error.code == grpc.StatusCode.CANCELLED.value[0]
    assert row(database)[0] == 2
