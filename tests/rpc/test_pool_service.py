"""PoolService over a real connection."""

from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct

from alservice.api.v1 import item_pb2 as item_pb
from alservice.api.v1 import pool_service_pb2 as pb
from alservice.api.v1 import tensor_pb2 as tensor_pb
from tests.rpc.edge import failure, reason
from tests.rpc.pool import Stub, add, columns, get, listed, new_project, stream, tensor


@pytest.fixture
def stub(channel: grpc.Channel) -> Stub:
    return Stub(channel)


@pytest.fixture
def project(channel: grpc.Channel) -> str:
    return new_project(channel)


def an_item() -> item_pb.Item:
    metadata = Struct()
    metadata.update({"pages": 3, "authors": ["é", None], "nested": {"x": 0.5}})
    parts = [
        item_pb.ContentPart(media_type="text/plain", text="hello"),
        item_pb.ContentPart(uri="https://example.com/1.png"),
        item_pb.ContentPart(inline=b"\x00\xff"),
    ]
    return item_pb.Item(
        item_id="doc 1/é",
        vector=[1.5, -2],
        role=item_pb.ROLE_TEST,
        cost=2.5,
        group="patient-7",
        tags=["x", "y"],
        content=item_pb.Content(parts=parts),
        metadata=metadata,
    )


def test_an_item_comes_back_as_it_was_sent(stub: Stub, project: str) -> None:
    sent = an_item()
    with_label = item_pb.Item(class_id="cat")
    with_label.MergeFrom(sent)
    rows = item_pb.ItemRows(items=[with_label])
    result = stub.BatchAddItems(pb.BatchAddItemsRequest(project=project, rows=rows)).result
    assert (result.added_count, result.label_count, result.revision) == (1, 1, 1)
    found = get(stub, project, sent.item_id)
    assert (found.incarnation, found.settled_class_id) == (1, "cat")
    found.ClearField("incarnation")
    found.ClearField("settled_class_id")
    assert found == sent


def test_columns_and_rows_say_the_same(stub: Stub, project: str) -> None:
    sent = an_item()
    items = columns(
        "columns",
        vectors=tensor(np.array([[1.5, -2]], "<f4")),
        roles=[sent.role],
        costs=[sent.cost],
        groups=[sent.group],
        tags=[item_pb.Tags(tags=sent.tags)],
        contents=[sent.content],
        metadata=[sent.metadata],
    )
    stub.BatchAddItems(pb.BatchAddItemsRequest(project=project, columns=items))
    sent.item_id, sent.incarnation = "columns", 1
    assert get(stub, project, "columns") == sent


@pytest.mark.parametrize(
    ("dtype", "wire"),
    [
        (tensor_pb.DTYPE_F32, "<f4"),
        (tensor_pb.DTYPE_F16, "<f2"),
        (tensor_pb.DTYPE_F64, "<f8"),
    ],
)
def test_vectors_may_come_in_several_formats(
    stub: Stub, project: str, dtype: int, wire: str
) -> None:
    add(stub, project, "a", vectors=tensor(np.array([[0.5, -3]], wire), dtype))
    assert list(get(stub, project, "a").vector) == [0.5, -3]


def test_bfloat16_comes_as_its_bits(stub: Stub, project: str) -> None:
    bits = np.array([[0x3F00, 0xC040]], "<u2")
    add(stub, project, "a", vectors=tensor(bits, tensor_pb.DTYPE_BF16))
    assert list(get(stub, project, "a").vector) == [0.5, -3]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "wrong dimension": (
        {"vectors": tensor(np.zeros((1, 3), "<f4"))},
        "DIMENSION_MISMATCH",
    ),
    "NaN": ({"vectors": tensor(np.array([[np.nan, 0]], "<f4"))}, "NON_FINITE_VECTOR"),
    "infinity": ({"vectors": tensor(np.array([[np.inf, 0]], "<f4"))}, "NON_FINITE_VECTOR"),
    "too large": (
        {"vectors": tensor(np.array([[1e300, 0]], "<f8"), tensor_pb.DTYPE_F64)},
        "NON_FINITE_VECTOR",
    ),
    "no vectors": ({"vectors": None}, "DIMENSION_MISMATCH"),
    "no format": ({"vectors": tensor(np.zeros((1, 2), "<f4"), 0)}, "INVALID_FIELD"),
    "a format of the future": (
        {"vectors": tensor(np.zeros((1, 2), "<f4"), 99)},
        "INVALID_FIELD",
    ),
    "one axis": ({"vectors": tensor(np.zeros(2, "<f4"))}, "INVALID_FIELD"),
    "a negative axis": (
        {"vectors": tensor_pb.Tensor(dtype=tensor_pb.DTYPE_F32, shape=[-1, -2], data=b"x" * 8)},
        "INVALID_FIELD",
    ),
    "too few bytes": (
        {"vectors": tensor_pb.Tensor(dtype=tensor_pb.DTYPE_F32, shape=[1, 2], data=b"xxxx")},
        "INVALID_FIELD",
    ),
    "more rows than items": (
        {"vectors": tensor(np.zeros((2, 2), "<f4"))},
        "INVALID_FIELD",
    ),
    "an unknown class": ({"class_ids": ["catt"]}, "CLASS_UNKNOWN"),
    "an unknown role": ({"roles": [17]}, "INVALID_FIELD"),
    "no cost at all": ({"costs": [0.0]}, "INVALID_FIELD"),
    "two groups": ({"groups": ["a", "b"]}, "INVALID_FIELD"),
    "empty id": ({"item_ids": [""]}, "INVALID_ITEM_ID"),
    "control character": ({"item_ids": ["a\x00b"]}, "INVALID_ITEM_ID"),
    "part without body": (
        {"contents": [item_pb.Content(parts=[item_pb.ContentPart()])]},
        "INVALID_FIELD",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_items_are_refused_in_a_call_and_in_a_stream(
    stub: Stub, project: str, name: str
) -> None:
    add(stub, project, "there")
    change, expected = BAD[name]
    items = columns("bad")
    for field, value in change.items():
        items.ClearField(field)  # type: ignore[arg-type]
        if value is not None:
            items.MergeFrom(item_pb.ItemColumns(**{field: value}))
    request = pb.BatchAddItemsRequest(project=project, columns=items)
    for error in (
        failure(stub.BatchAddItems, request),
        failure(stub.AddItems, stream(project, (0, items), upload_id="u")),
    ):
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason(error) == f"ERROR_REASON_{expected}"
    assert listed(stub, project) == {"there"}


def test_what_is_not_there_is_not_found(stub: Stub, project: str) -> None:
    items = columns("a")
    for error, expected in [
        (failure(add, stub, "projects/no-such-pool", "a"), "PROJECT_NOT_FOUND"),
        (failure(stub.AddItems, stream("projects/no-such-pool", (0, items))), "PROJECT_NOT_FOUND"),
        (failure(get, stub, project, "a"), "ITEM_NOT_FOUND"),
        (
            failure(stub.GetUpload, pb.GetUploadRequest(project=project, upload_id="u")),
            "UPLOAD_NOT_FOUND",
        ),
    ]:
        assert error.code() is grpc.StatusCode.NOT_FOUND
        assert reason(error) == f"ERROR_REASON_{expected}"


def test_duplicate_ids_are_named(stub: Stub, project: str) -> None:
    add(stub, project, "a", "b")
    for error in (
        failure(add, stub, project, "c", "a"),
        failure(add, stub, project, "c", "c"),
        failure(stub.AddItems, stream(project, (0, columns("c")), (1, columns("c")))),
    ):
        assert error.code() is grpc.StatusCode.ALREADY_EXISTS
        assert reason(error) == "ERROR_REASON_ITEM_EXISTS"
    assert listed(stub, project) == {"a", "b"}


def test_lists_come_in_pages(stub: Stub, project: str) -> None:
    ids = {f"i{number}" for number in range(25)}
    add(stub, project, *sorted(ids))
    found: list[str] = []
    token = ""
    for _ in range(3):
        request = pb.ListItemsRequest(project=project, page_size=10, page_token=token)
        page = stub.ListItems(request)
        found += [item.item_id for item in page.items]
        assert not any(item.vector for item in page.items)
        token = page.next_page_token
    assert token == ""
    assert len(found) == 25 and set(found) == ids
    error = failure(stub.ListItems, pb.ListItemsRequest(project=project, page_token="x"))
    assert reason(error) == "ERROR_REASON_INVALID_PAGE_TOKEN"


def test_items_are_updated_by_mask(stub: Stub, project: str) -> None:
    add(stub, project, "a")
    change = item_pb.Item(item_id="a", group="g", tags=["t"], cost=3)

    def request(*paths: str) -> pb.UpdateItemsRequest:
        mask = FieldMask(paths=paths)
        return pb.UpdateItemsRequest(project=project, items=[change], update_mask=mask)

    assert stub.UpdateItems(request("group", "cost")).updated_count == 1
    item = get(stub, project, "a")
    assert (item.group, item.cost, list(item.tags), list(item.vector)) == ("g", 3, [], [0, 1])
    error = failure(stub.UpdateItems, request("vector"))
    assert reason(error) == "ERROR_REASON_INVALID_UPDATE_MASK"
    change.item_id = "b"
    assert failure(stub.UpdateItems, request("group")).code() is grpc.StatusCode.NOT_FOUND


def test_items_are_deleted_and_a_retry_answers_the_same(stub: Stub, project: str) -> None:
    add(stub, project, "a", "b")
    request = pb.DeleteItemsRequest(project=project, item_ids=["a", "x"], request_id="r1")
    first = stub.DeleteItems(request)
    assert (first.deleted_count, first.missing_count) == (1, 1)
    assert stub.DeleteItems(request) == first
    assert listed(stub, project) == {"b"}


def test_metadata_that_is_no_json_is_refused(stub: Stub, project: str) -> None:
    metadata = Struct()
    metadata.update({"x": float("nan")})
    request = pb.BatchAddItemsRequest(project=project, columns=columns("a", metadata=[metadata]))
    error = failure(stub.BatchAddItems, request)
    assert reason(error) == "ERROR_REASON_INVALID_FIELD"


def test_a_stream_that_ends_before_all_items_have_arrived_commits_nothing(
    stub: Stub, project: str
) -> None:
    header = {"upload_id": "short", "item_count": 3}
    error = failure(stub.AddItems, stream(project, (0, columns("a", "b")), **header))
    assert reason(error) == "ERROR_REASON_UPLOAD_PROTOCOL"
    assert "2 of 3 items" in error.details()
    assert listed(stub, project) == set()
    where = stub.GetUpload(pb.GetUploadRequest(project=project, upload_id="short"))
    assert where.received_item_count == 2 and not where.HasField("result")
    assert stub.AddItems(stream(project, (2, columns("c")), **header)).added_count == 3
    assert listed(stub, project) == {"a", "b", "c"}
