"""ImportItems over a real connection: an operation that ends in an ImportItemsResponse."""

from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.rpc import code_pb2

from alservice.api.v1 import pool_service_pb2 as pb
from alservice.domain.item import OnConflict
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.source import SourceColumns
from alservice.rpc.import_messages import parse_import
from alservice.rpc.operation_messages import render_operation
from tests.rpc.edge import failure, reason
from tests.rpc.pool import Stub, new_project

PATIENCE_S = 60


def finished(channel: grpc.Channel, operation: Any) -> Any:
    stub = operations_pb2_grpc.OperationsStub(channel)
    request = operations_pb2.WaitOperationRequest(name=operation.name)
    return stub.WaitOperation(request, timeout=PATIENCE_S)


def test_a_file_becomes_items(channel: grpc.Channel, inbox: Path) -> None:
    project, stub = new_project(channel), Stub(channel)
    vectors = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    np.savez(inbox / "pool.npz", X=vectors, name=np.array([f"i{n}" for n in range(300)]))
    uri = str(inbox / "pool.npz")
    request = pb.ImportItemsRequest(
        project=project, uri=uri, columns=pb.ImportColumns(item_id="name"), request_id="once"
    )
    begun = stub.ImportItems(request)
    done = finished(channel, begun)
    metadata, answer = pb.ImportItemsMetadata(), pb.ImportItemsResponse()
    assert done.metadata.Unpack(metadata) and done.response.Unpack(answer)
    assert metadata == pb.ImportItemsMetadata(
        progress=1.0,
        stage="succeeded",
        attempt=1,
        uri=uri,
        read_item_count=300,
        item_count=300,
        size_bytes=(inbox / "pool.npz").stat().st_size,
    )
    assert (answer.result.added_count, answer.result.revision) == (300, 1)
    found = stub.GetItem(
        pb.GetItemRequest(project=project, item_id="i7", include_vector=True)
    ).item
    np.testing.assert_array_equal(np.array(found.vector, np.float32), vectors[7])
    assert stub.ImportItems(request).name == begun.name
    upload = pb.GetUploadRequest(project=project, upload_id=begun.name.split("/")[-1])
    assert stub.GetUpload(upload).result == answer.result


def test_what_is_wrong_with_a_row_is_the_end_of_the_operation(
    channel: grpc.Channel, inbox: Path
) -> None:
    project, stub = new_project(channel), Stub(channel)
    np.save(inbox / "nan.npy", np.array([[1.0, 2.0], [np.nan, 1.0]]))
    request = pb.ImportItemsRequest(project=project, uri=str(inbox / "nan.npy"), id_prefix="row-")
    done = finished(channel, stub.ImportItems(request))
    assert done.error.code == code_pb2.INVALID_ARGUMENT
    assert "'row-1' holds NaN" in done.error.message
    assert not stub.ListItems(pb.ListItemsRequest(project=project)).items


def test_what_is_wrong_with_a_file_is_said_at_once(channel: grpc.Channel, inbox: Path) -> None:
    project, stub = new_project(channel), Stub(channel)

    def refused(uri: str, **fields: Any) -> str:
        request = pb.ImportItemsRequest(project=project, uri=uri, **fields)
        return reason(failure(stub.ImportItems, request)).removeprefix("ERROR_REASON_")

    np.save(inbox / "fine.npy", np.ones((2, 2)))
    (inbox / "torn.npy").write_bytes((inbox / "fine.npy").read_bytes()[:-1])
    assert refused("/etc/passwd") == "SOURCE_NOT_ALLOWED"
    assert refused(str(inbox / "none.npy")) == "SOURCE_NOT_FOUND"
    assert refused(str(inbox / "torn.npy")) == "SOURCE_INVALID"
    assert (
        refused(str(inbox / "fine.npy"), columns=pb.ImportColumns(text="title")) == "INVALID_FIELD"
    )


def test_each_field_of_a_request_has_its_place() -> None:
    names = {"item_id": "a", "class_id": "c", "text": "t", "uri": "u", "group": "g"}
    more = {"cost": "k", "role": "r"}
    request = pb.ImportItemsRequest(
        project="projects/reviews",
        uri="s3://b/x.parquet",
        on_conflict=pb.CONFLICT_POLICY_SKIP,
        columns=pb.ImportColumns(vector=["x", "y"], **names, **more),
        id_prefix="p",
    )
    command = parse_import(request)
    assert (command.project_id, command.uri) == ("reviews", "s3://b/x.parquet")
    assert command.on_conflict is OnConflict.SKIP
    assert command.columns == SourceColumns(vector=("x", "y"), id_prefix="p", **names, **more)


@pytest.mark.parametrize("state", [OperationState.RUNNING, OperationState.FAILED])
def test_an_import_that_is_not_done_has_metadata_of_its_own(state: OperationState) -> None:
    operation = Operation(
        operation_id="o-1",
        project_id="reviews",
        kind=OperationKind.IMPORT,
        state=state,
        progress=0.25,
        stage="reading",
        attempt=2,
        request={"uri": "/inbox/a.npy", "item_count": 1000, "size_bytes": 9},
        error_reason="SOURCE_CHANGED" if state.done else "",
    )
    message = render_operation(operation, None, "reviews")
    metadata = pb.ImportItemsMetadata()
    assert message.metadata.Unpack(metadata)
    assert (metadata.read_item_count, metadata.item_count) == (250, 1000)
    assert message.error.code == (code_pb2.FAILED_PRECONDITION if state.done else 0)
