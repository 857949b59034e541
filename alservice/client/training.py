"""A model in the making: follow, wait for or cancel a long-running Train."""

import time
from typing import Any, Final

from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as learning_pb2
from alservice.api.v1 import model_pb2
from alservice.client.connection import Connection
from alservice.client.errors import DeadlineExceeded, Unavailable, failure_of_status
from alservice.client.model import Model, model_of
from alservice.client.progress import bar, is_watched

FIRST_POLL_S: Final = 0.02
MAX_POLL_S: Final = 0.5


class Training:
    """The operation behind Project.train.

    `name` is the operation's name. The rest is as of the last look: `refresh` and `wait` look
    again. `model_name` names the model, which Project.model can read while it is being trained.
    `progress` is in [0, 1], `stage` says what is being done. `attempt` is more than 1 if the work
    was begun again after a crash.
    """

    def __init__(self, connection: Connection, operation: Any, *, shown: bool | None) -> None:
        self._connection = connection
        self._shown = shown
        self._take(operation)

    def __repr__(self) -> str:
        state = "done" if self.done else f"{self.stage or 'waiting'}, {self.progress:.0%}"
        return f"Training({self.model_name}: {state})"

    def _take(self, operation: Any) -> None:
        metadata = learning_pb2.TrainMetadata()
        operation.metadata.Unpack(metadata)
        self._operation = operation
        self.name: str = operation.name
        self.done: bool = operation.done
        self.model_name: str = metadata.model
        self.progress: float = metadata.progress
        self.stage: str = metadata.stage
        self.attempt: int = metadata.attempt

    def refresh(self) -> "Training":
        """Looks again; returns itself. Raises ServiceError."""
        request = operations_pb2.GetOperationRequest(name=self.name)
        self._take(self._connection.call(self._connection.operations.GetOperation, request))
        return self

    def wait(self, timeout: float | None = None) -> Model:
        """Waits until the model is ready, at most `timeout` seconds (None: as long as it takes).

        Raises ServiceError if training failed or was cancelled, and DeadlineExceeded after
        `timeout`; training goes on then, as it does when the server is lost.
        """
        until = float("inf") if timeout is None else time.monotonic() + timeout
        poll_s = FIRST_POLL_S
        with bar("training", 1.0, shown=is_watched(self._shown)) as report:
            while not self.done:
                if time.monotonic() >= until:
                    raise DeadlineExceeded(f"{self.model_name} is still being trained")
                time.sleep(poll_s)
                poll_s = min(1.5 * poll_s, MAX_POLL_S)
                self._look()
                report(self.progress, self.stage)
        return self._outcome()

    def _look(self) -> None:
        try:
            self.refresh()
        except (Unavailable, DeadlineExceeded) as lost:
            text = (
                f"{lost.message}; the training of {self.model_name} is kept and goes on when the "
                "server is back: project.train() joins it"
            )
            raise type(lost)(
                text, code=lost.code, reason=lost.reason, metadata=lost.metadata
            ) from None

    def cancel(self) -> None:
        """Asks the service to stop; `wait` then raises Cancelled. Too late is no error."""
        request = operations_pb2.CancelOperationRequest(name=self.name)
        self._connection.call(self._connection.operations.CancelOperation, request)

    def _outcome(self) -> Model:
        if self._operation.HasField("error"):
            raise failure_of_status(self._operation.error)
        model = model_pb2.Model()
        self._operation.response.Unpack(model)
        return model_of(model)
