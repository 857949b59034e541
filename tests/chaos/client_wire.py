"""Requests through the client that users have: its own retries, under our request ids."""

import contextlib
from collections.abc import Callable
from typing import Any, Final

from google.longrunning import operations_pb2

from alservice.api.v1 import pool_service_pb2 as pool_pb
from alservice.api.v1 import project_service_pb2 as project_pb
from alservice.client.columns import Columns
from alservice.client.connection import Connection
from alservice.client.errors import ServiceError
from alservice.client.patience import is_passing
from alservice.client.upload import Upload, UploadResult
from tests.chaos.journal import Journal
from tests.e2e.found import outcome_of
from tests.e2e.history import (
    Add,
    Cancel,
    Count,
    Follow,
    Look,
    Outcome,
    Refused,
    Request,
    Result,
    Seen,
)
from tests.e2e.wire import Wire, vectors_of

PATIENCE_S: Final = 30.0  # in which a call must succeed


class ClientWire(Wire):
    """One client's calls, each in the journal before it is sent and after it has ended."""

    def __init__(self, connection: Connection, project: str, journal: Journal) -> None:
        super().__init__(connection._channel, project)
        self._connection = connection
        self._journal = journal
        self._attempts = 0
        self._patience_s = PATIENCE_S

    def attempt(self, request: Request, within_s: float = PATIENCE_S) -> Result | None:
        """The answer; None if none came in time and nobody knows what has happened."""
        self._attempts, self._patience_s = 0, within_s
        self._journal.begin(request, hurried=within_s < PATIENCE_S)
        result, failure = self._outcome(request)
        self._journal.end(result, self._attempts, failure)
        return result

    def _outcome(self, request: Request) -> tuple[Result | None, str]:
        try:
            sender = self._senders()[type(request.action)]
            return sender(request.action, request.request_id), ""
        except ServiceError as error:
            said = f"{error.code.name} {error.reason} {error.message}"
            if is_passing(error):
                return None, said
            return Refused(error.reason.removeprefix("ERROR_REASON_") or said), said

    def _call(self, method: Callable[..., Any], ask: Any) -> Any:
        def counted(*arguments: Any, **named: Any) -> Any:
            self._attempts += 1
            return method(*arguments, **named)

        return self._connection.call(counted, ask, self._patience_s)

    def _stream(self, header: pool_pb.AddItemsHeader, add: Add) -> Result:
        header.item_count = len(add.ids)
        labels = list(add.classes)
        columns = Columns.of(vectors_of(add.ids), list(add.ids), labels=labels)
        upload = CountedUpload(self._connection, header, columns, lambda *_: None)
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: setattr(self, "_attempts", upload.streams))
            done = upload.run(self._patience_s)
        return Count(
            (
                done.added_count,
                done.skipped_count,
                done.replaced_count,
                done.label_count,
                done.revision,
            )
        )

    def _senders(self) -> dict[type[Any], Callable[[Any, str], Result]]:
        more: dict[type[Any], Callable[[Any, str], Result]] = {
            Look: self._look,
            Follow: self._follow,
            Cancel: self._cancel,
        }
        return {**super()._senders(), **more}

    def _look(self, look: Look, request_id: str) -> Result:
        ask = project_pb.GetProjectRequest(name=self._project)
        return Seen(self._call(self._connection.projects.GetProject, ask).project.revision)

    def _follow(self, follow: Follow, request_id: str) -> Result:
        ask = operations_pb2.GetOperationRequest(name=follow.operation)
        return Outcome(outcome_of(self._call(self._connection.operations.GetOperation, ask)))

    def _cancel(self, cancel: Cancel, request_id: str) -> Result:
        ask = operations_pb2.CancelOperationRequest(name=cancel.operation)
        self._call(self._connection.operations.CancelOperation, ask)
        return Outcome()


class CountedUpload(Upload):
    """An upload that counts its streams."""

    streams = 0

    def _stream(self, start: int, timeout_s: float) -> UploadResult:
        self.streams += 1
        return super()._stream(start, timeout_s)
