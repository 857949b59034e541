"""The receiving end of an upload: one chunk is written while the next one arrives.

Reading no further ahead than that is the flow control: the sender waits for the disk.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from alservice.api.v1 import pool_service_pb2 as pb
from alservice.domain.call import Call
from alservice.domain.errors import AlreadyExists, Cancelled, InvalidArgument, UploadProtocol
from alservice.domain.item import AddResult
from alservice.rpc.context import Context
from alservice.rpc.lanes import finished
from alservice.rpc.pool_messages import parse_header, parse_items
from alservice.rpc.runner import Lane, Runner
from alservice.telemetry.logs import logger
from alservice.usecases.add_items import AddItems
from alservice.usecases.upload_session import UploadSession

_log: Final = logger("upload")
# gRPC shows a connection that broke as the end of the stream first and as a cancellation a moment
# later. Who says how many items there are need not wait for that.
BREAK_SHOWS_S: Final = 0.05


@dataclass(slots=True)
class UploadStream:
    """`async with` it: take each message, then finish.

    What goes wrong inside decides what becomes of what has arrived: items that can never be
    added are forgotten, and so is what has no upload_id to resume it by; all else is kept.
    """

    run: Runner
    add_items: AddItems
    context: Context
    _session: UploadSession | None = None
    _resumable: bool = False
    _call: Call | None = None
    _writing: asyncio.Future[None] | None = field(default=None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing half done."""
        if error is None:
            return
        if self._writing is not None:
            await finished(self._writing)
            with contextlib.suppress(asyncio.CancelledError):
                self._writing.exception()  # taken note of: `error` was first
        if self._session is not None:
            await self._put_away(self._session, error)

    async def take(self, message: pb.AddItemsRequest) -> None:
        """The next message. Raises UploadProtocol, Cancelled, what an upload raises."""
        if self._call is not None and self._call.cancel.cancelled:
            raise Cancelled("the upload was cancelled; it can be resumed")
        if self._session is None:
            await self._open(message)
            return
        if message.WhichOneof("message") != "chunk":
            text = "every message of an upload but the first carries a chunk"
            raise UploadProtocol(text, expected="chunk")
        await self._written()
        work = self.run.call(Lane.WRITE, append, self._session, message.chunk)
        self._writing = asyncio.ensure_future(work)

    async def finish(self) -> AddResult:
        """Commit. Raises UploadProtocol, what an upload raises."""
        if self._session is None:
            text = "the first message of an upload carries its header"
            raise UploadProtocol(text, expected="header")
        await self._written()
        if self._session.item_count is None:
            await asyncio.sleep(BREAK_SHOWS_S)
        return await self.run.call(Lane.WRITE, self._session.commit)

    async def _open(self, message: pb.AddItemsRequest) -> None:
        if message.WhichOneof("message") != "header":
            text = "the first message of an upload carries its header"
            raise UploadProtocol(text, expected="header")
        header = parse_header(message.header)
        self._resumable = bool(header.upload_id)
        self._call = self.run.make_call(message.header, self.context)
        self._session = await self.run.call(Lane.WRITE, self.add_items.open, self._call, header)

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    async def _put_away(self, session: UploadSession, error: BaseException) -> None:
        hopeless = isinstance(error, InvalidArgument | AlreadyExists)
        forget = hopeless and not isinstance(error, UploadProtocol)
        work = session.suspend if self._resumable and not forget else session.abandon
        try:
            await self.run.tidy_up(Lane.WRITE, work)
        except Exception as secondary:  # noqa: BLE001 - `error` is what the caller must hear of
            _log.warning(
                "upload_not_put_away", upload=session.upload.upload_id, error=repr(secondary)
            )


def append(session: UploadSession, chunk: pb.ItemChunk) -> None:
    """Parse and write a chunk, both away from the event loop."""
    session.append(chunk.offset, parse_items(chunk))
