"""InsightService on a real server, whose worker plays."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import grpc
import numpy as np
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration

import alservice
from alservice.api.v1 import insight_service_pb2 as pb
from alservice.api.v1 import insight_service_pb2_grpc as pb_grpc
from tests.rpc.edge import failure, reason
from tests.running_server import running_server


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    draw = np.random.default_rng(0)
    classes = np.arange(80) % 2
    vectors = draw.normal(size=(80, 3)).astype(np.float32)
    vectors[:, 0] += 2 * classes
    with (
        running_server(tmp_path_factory.mktemp("insight") / "data") as server,
        alservice.Client(server.address) as client,
        grpc.insecure_channel(server.address) as opened,
    ):
        project = client.create_project("spam", classes=["ham", "spam"])
        project.add_items(vectors, labels=np.array(["ham", "spam"])[classes])
        client.create_project("empty", classes=["ham", "spam"])
        yield opened


def simulate(channel: grpc.Channel, project: str, **fields: Any) -> operations_pb2.Operation:
    request = pb.SimulateRequest(project=f"projects/{project}", **fields)
    made: operations_pb2.Operation = pb_grpc.InsightServiceStub(channel).Simulate(request)
    return made


def test_a_simulation_ends_in_a_report(channel: grpc.Channel) -> None:
    begun = simulate(channel, "spam", strategies=["margin"], seeds=2, batch_size=5, budget=10)
    waiting = operations_pb2.WaitOperationRequest(name=begun.name, timeout=Duration(seconds=100))
    stub = operations_pb2_grpc.OperationsStub(channel)
    done = stub.WaitOperation(waiting)
    assert done.done, done
    report, metadata = pb.SimulateResponse(), pb.SimulateMetadata()
    assert done.response.Unpack(report), done
    assert done.metadata.Unpack(metadata) and metadata.progress == 1
    told = json.loads(report.report_json)
    assert {row["competitor"] for row in told["rows"]} == {"random", "margin"}
    assert "<svg" in report.report_html
    (listed,) = stub.ListOperations(
        operations_pb2.ListOperationsRequest(name="projects/spam")
    ).operations
    assert (listed.name, listed.done) == (begun.name, True)
    assert not listed.HasField("response") and listed.metadata == done.metadata


def test_too_few_labels_and_unknown_strategies_are_refused(channel: grpc.Channel) -> None:
    error = failure(lambda: simulate(channel, "empty"))
    assert reason(error) == "ERROR_REASON_SIMULATION_NEEDS_LABELS"
    for name in ("mrgin", "x.py:f", "label=x.py:f"):
        asked = partial(simulate, channel, "spam", strategies=[name])
        assert reason(failure(asked)) == "ERROR_REASON_STRATEGY_UNKNOWN"
