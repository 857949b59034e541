"""Streams of items over a real connection: out of order, broken, resumed."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from alservice.api.v1 import item_pb2 as item_pb
from alservice.api.v1 import pool_service_pb2 as pb
from alservice.domain import errors
from alservice.rpc.in_flight import CURRENT, Rpc
from alservice.rpc.lanes import Lanes
from alservice.rpc.runner import Runner
from alservice.rpc.upload_stream import UploadStream
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.add_items import AddItems
from tests.rounds import begin
from tests.rpc.edge import failure, reason
from tests.rpc.pool import Stub, add, columns, get, listed, new_project, stream
from tests.usecases.items import QUEUE_TRAINING


@pytest.fixture
def stub(channel: grpc.Channel) -> Stub:
    return Stub(channel)


@pytest.fixture
def project(channel: grpc.Channel) -> str:
    return new_project(channel)


def test_conflicts_are_skipped_or_replaced_on_demand(stub: Stub, project: str) -> None:
    add(stub, project, "a", "b")
    skip = stream(project, (0, columns("b", "c")), on_conflict=pb.CONFLICT_POLICY_SKIP)
    result = stub.AddItems(skip)
    assert (result.added_count, result.skipped_count, result.replaced_count) == (1, 1, 0)
    assert list(get(stub, project, "b").vector) == [2, 3]
    replace = stream(project, (0, columns("b", "d")), on_conflict=pb.CONFLICT_POLICY_REPLACE)
    result = stub.AddItems(replace)
    assert (result.added_count, result.skipped_count, result.replaced_count) == (2, 0, 1)
    assert list(get(stub, project, "b").vector) == [0, 1]


def test_a_stream_out_of_order_is_told_so(stub: Stub, project: str) -> None:
    chunk = pb.AddItemsRequest(chunk=pb.ItemChunk(columns=columns("a")))
    header = pb.AddItemsRequest(header=pb.AddItemsHeader(project=project))
    streams: list[Iterable[pb.AddItemsRequest]] = [
        [],
        [chunk],
        [header, header],
        [header, pb.AddItemsRequest()],
    ]
    for messages in streams:
        error = failure(stub.AddItems, iter(messages))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason(error) == "ERROR_REASON_UPLOAD_PROTOCOL"


@pytest.mark.parametrize("header", [{"upload_id": "x" * 129}, {"on_conflict": 9}])
def test_a_bad_header_is_refused(stub: Stub, project: str, header: dict[str, Any]) -> None:
    error = failure(stub.AddItems, stream(project, **header))
    assert reason(error) == "ERROR_REASON_INVALID_FIELD"


def test_an_empty_chunk_says_nothing_and_a_chunk_without_items_is_refused(
    stub: Stub, project: str
) -> None:
    assert stub.AddItems(stream(project, (0, item_pb.ItemColumns()))).added_count == 0
    nothing = pb.AddItemsRequest(chunk=pb.ItemChunk())
    error = failure(stub.AddItems, iter([*stream(project), nothing]))
    assert reason(error) == "ERROR_REASON_INVALID_FIELD"


def test_a_gap_is_refused_and_the_upload_goes_on_from_what_is_kept(
    stub: Stub, project: str
) -> None:
    gap = stream(project, (0, columns("a", "b")), (3, columns("d")), upload_id="u")
    error = failure(stub.AddItems, gap)
    assert error.code() is grpc.StatusCode.OUT_OF_RANGE
    assert reason(error) == "ERROR_REASON_UPLOAD_OFFSET_GAP"
    ask = pb.GetUploadRequest(project=project, upload_id="u")
    assert stub.GetUpload(ask).received_item_count == 2
    assert listed(stub, project) == set()
    rest = stream(project, (0, columns("a", "b", "c")), upload_id="u")
    result = stub.AddItems(rest)
    assert result.added_count == 3
    assert stub.AddItems(stream(project, upload_id="u")) == result
    assert stub.GetUpload(ask).result == result


def test_a_stream_that_breaks_shows_nothing_and_can_be_resumed(stub: Stub, project: str) -> None:
    ids = [f"i{number}" for number in range(100)]
    ask = pb.GetUploadRequest(project=project, upload_id="u")

    def endless(start: int) -> Iterator[pb.AddItemsRequest]:
        yield from stream(project, (start, columns(*ids[start : start + 10])), upload_id="u")
        for _ in range(50):  # the server has these before it hears of the end
            yield pb.AddItemsRequest(chunk=pb.ItemChunk(offset=start, columns=columns(ids[start])))
        broken.cancel()

    opened = failure(stub.AddItems, stream(project, (1, columns("x")), upload_id="u"))
    assert opened.code() is grpc.StatusCode.OUT_OF_RANGE
    received = 0
    for _ in range(200):  # how much of a broken stream has arrived is up to the network
        broken = stub.AddItems.future(endless(received))
        assert broken.code() is grpc.StatusCode.CANCELLED
        received = max(received, stub.GetUpload(ask).received_item_count)
        if received:
            break
    assert 0 < received < 100
    assert listed(stub, project) == set()
    rest = stream(project, (received, columns(*ids[received:])), upload_id="u")
    assert stub.AddItems(rest).added_count == 100
    assert listed(stub, project) == set(ids)


@pytest.mark.parametrize(("upload_id", "kept"), [("u", 1), ("", 0)])
def test_what_arrived_is_kept_only_where_somebody_can_resume_it(
    tmp_path: Path, upload_id: str, kept: int
) -> None:
    catalog, store = SqliteCatalog(tmp_path), LocalSegmentStore(tmp_path / "segments")
    begin(catalog, store, "broken")
    lanes, add_items = Lanes(0), AddItems(catalog, store, QUEUE_TRAINING)

    async def broken() -> None:
        CURRENT.set(Rpc("Service/AddItems", None, "r"))
        context: Any = None
        async with UploadStream(Runner(lanes), add_items, context) as upload:
            for message in stream("projects/broken", (0, columns("a")), upload_id=upload_id):
                await upload.take(message)
            raise errors.Cancelled("the stream broke")

    try:
        with pytest.raises(errors.Cancelled):
            asyncio.run(broken())
        assert len(catalog.read(lambda tx: tx.segments.all_ids())) == kept
    finally:
        lanes.close()
        catalog.close()
