"""BuildIndex over a real connection: an operation that ends in a PoolIndex."""

from typing import Any

import grpc
import numpy as np
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.rpc import code_pb2

from alservice.api.v1 import pool_service_pb2 as pb
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.rpc.operation_messages import render_operation
from tests.rpc.edge import failure, reason
from tests.rpc.pool import Stub, add, new_project, tensor

PATIENCE_S = 60


@pytest.fixture
def stub(channel: grpc.Channel) -> Stub:
    return Stub(channel)


@pytest.fixture
def project(channel: grpc.Channel, stub: Stub) -> str:
    """A project with 30 items, the last of which repeats the first."""
    name = new_project(channel)
    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    vectors[29] = vectors[0]
    add(stub, name, *(f"i{n}" for n in range(30)), vectors=tensor(vectors))
    return name


def finished(channel: grpc.Channel, operation: Any) -> Any:
    stub = operations_pb2_grpc.OperationsStub(channel)
    request = operations_pb2.WaitOperationRequest(name=operation.name)
    return stub.WaitOperation(request, timeout=PATIENCE_S)


def test_an_operation_ends_in_what_was_found(
    channel: grpc.Channel, stub: Stub, project: str
) -> None:
    begun = stub.BuildIndex(pb.BuildIndexRequest(project=project, neighbour_count=5))
    assert begun.name.startswith(f"{project}/operations/")
    done = finished(channel, begun)
    metadata, index = pb.BuildIndexMetadata(), pb.PoolIndex()
    assert done.metadata.Unpack(metadata) and done.response.Unpack(index)
    assert (done.done, metadata.progress, metadata.stage, metadata.attempt) == (
        True,
        1.0,
        "succeeded",
        1,
    )
    assert index.name.startswith(f"{project}/poolIndexes/x-")
    assert (index.item_count, index.neighbour_count, index.recall) == (30, 5, 1.0)
    assert (index.cluster_count, index.near_duplicate_count, index.method) == (8, 1, "exact")
    assert index.size_bytes > 30 * 5 * 8 and index.create_time.seconds > 0
    again = stub.BuildIndex(pb.BuildIndexRequest(project=project, neighbour_count=5))
    assert again == done


def test_what_cannot_be_indexed_is_refused_with_the_reason(
    channel: grpc.Channel, stub: Stub, project: str
) -> None:
    empty = pb.BuildIndexRequest(project=new_project(channel))
    assert reason(failure(stub.BuildIndex, empty)) == "ERROR_REASON_POOL_EMPTY"
    many = pb.BuildIndexRequest(project=project, neighbour_count=65)
    assert failure(stub.BuildIndex, many).code() is grpc.StatusCode.INVALID_ARGUMENT
    nobody = pb.BuildIndexRequest(project="projects/nobody")
    assert reason(failure(stub.BuildIndex, nobody)) == "ERROR_REASON_PROJECT_NOT_FOUND"


@pytest.mark.parametrize("state", [OperationState.QUEUED, OperationState.FAILED])
def test_an_index_that_is_not_ready_has_metadata_of_its_own(state: OperationState) -> None:
    operation = Operation(
        operation_id="o-1",
        project_id="reviews",
        kind=OperationKind.BUILD_INDEX,
        state=state,
        progress=0.5,
        stage="linking items",
        attempt=2,
        error_reason="INDEX_FAILED" if state.done else "",
    )
    message = render_operation(operation, None, "reviews")
    metadata = pb.BuildIndexMetadata()
    assert message.metadata.Unpack(metadata)
    assert metadata == pb.BuildIndexMetadata(progress=0.5, stage="linking items", attempt=2)
    assert message.error.code == (code_pb2.INTERNAL if state.done else 0)
