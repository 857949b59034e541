"""Long work on the server: follow it, wait for it, cancel it."""

import time
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from google.longrunning import operations_pb2

from alservice.client.connection import Connection
from alservice.client.errors import DeadlineExceeded, Unavailable, failure_of_status
from alservice.client.progress import bar, is_watched

R = TypeVar("R")
FIRST_POLL_S: Final = 0.02
MAX_POLL_S: Final = 0.5


class LongOperation(Generic[R]):
    """A google.longrunning.Operation that ends in an R.

    `name` is the operation's name. The rest is as of the last look: `refresh` and `wait` look
    again. `progress` is in [0, 1], `stage` says what is being done. `attempt` is more than 1 if
    the work was begun again after a crash.
    """

    title: ClassVar[str] = "working"

    def __init__(self, connection: Connection, operation: Any, *, shown: bool | None) -> None:
        self._connection = connection
        self._shown = shown
        self._take(operation)

    def __repr__(self) -> str:
        state = "done" if self.done else f"{self.stage or 'waiting'}, {self.progress:.0%}"
        return f"{type(self).__name__}({self.subject}: {state})"

    @property
    def subject(self) -> str:
        """The name of what is being made."""
        return self.name

    def _take(self, operation: Any) -> None:
        metadata = self._metadata()
        operation.metadata.Unpack(metadata)
        self._operation = operation
        self.name: str = operation.name
        self.done: bool = operation.done
        self.progress: float = metadata.progress
        self.stage: str = metadata.stage
        self.attempt: int = metadata.attempt
        self._told(metadata)

    def refresh(self) -> Self:
        """Looks again; returns itself. Raises ServiceError."""
        request = operations_pb2.GetOperationRequest(name=self.name)
        self._take(self._connection.call(self._connection.operations.GetOperation, request))
        return self

    def wait(self, timeout: float | None = None) -> R:
        """Waits until it is done, at most `timeout` seconds (None: as long as it takes).

        Raises ServiceError if it failed or was cancelled, and DeadlineExceeded after `timeout`;
        the work goes on then, as it does when the server is lost.
        """
        until = float("inf") if timeout is None else time.monotonic() + timeout
        poll_s = FIRST_POLL_S
        with bar(self.title, 1.0, shown=is_watched(self._shown)) as report:
            while not self.done:
                if time.monotonic() >= until:
                    raise DeadlineExceeded(f"{self.subject} is still being made")
                time.sleep(poll_s)
                poll_s = min(1.5 * poll_s, MAX_POLL_S)
                self._look()
                report(self.progress, self.stage)
        if self._operation.HasField("error"):
            raise failure_of_status(self._operation.error)
        return self._outcome(self._operation.response)

    def cancel(self) -> None:
        """Asks the service to stop; `wait` then raises Cancelled. Too late is no error."""
        request = operations_pb2.CancelOperationRequest(name=self.name)
        self._connection.call(self._connection.operations.CancelOperation, request)

    def _look(self) -> None:
        try:
            self.refresh()
        except (Unavailable, DeadlineExceeded) as lost:
            text = f"{lost.message}; {self._kept()}"
            raise type(lost)(
                text, code=lost.code, reason=lost.reason, metadata=lost.metadata
            ) from None

    # -- what each kind says for itself ----------------------------------------------------------

    def _metadata(self) -> Any:
        """An empty message of the kind that describes how far it is."""
        raise NotImplementedError

    def _told(self, metadata: Any) -> None:
        """Take what only this kind's metadata has."""

    def _kept(self) -> str:
        """What to do when the server is lost."""
        raise NotImplementedError

    def _outcome(self, response: Any) -> R:
        """What came of it."""
        raise NotImplementedError
