"""Uploads of any size that survive broken connections.

A stream that breaks is resumed from what the server says it has safely kept, under the same
upload id, until the deadline: nothing is lost and nothing is added twice.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

import grpc

from alservice.api.v1 import pool_service_pb2
from alservice.client.chunk import chunk_request
from alservice.client.columns import Columns
from alservice.client.connection import Connection
from alservice.client.errors import Cancelled, NotFound, ServiceError, failure_of
from alservice.client.patience import Patience
from alservice.client.progress import Report, Speed


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What an upload changed; `replaced_count` is part of `added_count`.

    `label_count` labels came with the items. `revision` is the one that shows them.
    """

    added_count: int
    skipped_count: int
    replaced_count: int
    label_count: int
    revision: int


def result_of(message: pool_service_pb2.AddItemsResponse) -> UploadResult:
    """The result that a message describes."""
    return UploadResult(
        added_count=message.added_count,
        skipped_count=message.skipped_count,
        replaced_count=message.replaced_count,
        label_count=message.label_count,
        revision=message.revision,
    )


class Upload:
    """One upload under one id, over as many streams as it takes."""

    def __init__(
        self,
        connection: Connection,
        header: pool_service_pb2.AddItemsHeader,
        columns: Columns,
        report: Report,
    ) -> None:
        self._connection = connection
        self._header = header
        self._columns = columns
        self._report = report
        self._speed = Speed()
        self._problem: Exception | None = None

    def run(self, timeout_s: float) -> UploadResult:
        """Sends everything and commits. Raises ServiceError, ValueError or TypeError."""
        patience = Patience(timeout_s)
        start = 0
        while True:
            try:
                return self._stream(start, patience.remaining_s())
            except ServiceError as error:
                failure = error
            patience.pause(failure)
            done = self._done(patience)
            if done.HasField("result"):
                return result_of(done.result)
            if done.received_item_count > start:
                patience.restart()
            start = done.received_item_count

    def _stream(self, start: int, timeout_s: float) -> UploadResult:
        """One attempt, from item `start` on."""
        started: Future[grpc.Future[pool_service_pb2.AddItemsResponse]] = Future()
        call = self._connection.add_items.future(
            self._requests(start, started),
            timeout=timeout_s,
            metadata=self._connection.metadata,
        )
        started.set_result(call)
        try:
            return result_of(call.result())
        except grpc.RpcError as error:
            failure = failure_of(error, self._connection.address)
        except grpc.FutureCancelledError:
            failure = Cancelled("the upload was cancelled", code=grpc.StatusCode.CANCELLED)
        finally:
            call.cancel()  # an interrupt must not leave the stream behind; no effect otherwise
        raise (self._problem or failure) from None

    def _requests(
        self, start: int, started: "Future[grpc.Future[pool_service_pb2.AddItemsResponse]]"
    ) -> Iterator[bytes]:
        """The messages of one attempt. A problem cancels it: just ending would commit a part."""
        yield pool_service_pb2.AddItemsRequest(header=self._header).SerializeToString()
        vectors = self._columns.vectors
        try:
            for offset, columns in self._columns.messages(start):
                stop = offset + len(columns.item_ids)
                rows = None if vectors is None else vectors[offset:stop]
                request = chunk_request(offset, columns, rows)
                yield request
                self._tell(stop, len(request))
        except Exception as problem:  # noqa: BLE001 (raised again by the caller of `run`)
            self._problem = problem
            started.result().cancel()

    def _tell(self, done: int, size_bytes: int) -> None:
        self._report(done, f"{done:,} items, {self._speed.add(size_bytes)}")

    def _done(self, patience: Patience) -> pool_service_pb2.GetUploadResponse:
        """How far the upload has come, by the server's account."""
        request = pool_service_pb2.GetUploadRequest(
            project=self._header.project, upload_id=self._header.upload_id
        )
        get_upload = self._connection.pool.GetUpload
        try:
            return self._connection.call(get_upload, request, patience.remaining_s())
        except NotFound:
            return pool_service_pb2.GetUploadResponse()  # it broke before the header arrived
