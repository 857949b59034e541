"""The calls that run now, why each of them should stop, and the drain that waits for them."""

import asyncio
import contextlib
import enum
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from grpc import StatusCode

from alservice.core import CancelFlag
from alservice.domain import errors
from alservice.domain.principal import LOCAL, Principal

LAST_WORDS_S: Final = 5.0  # how long calls that were told to stop may take to do so


class Cause(enum.Enum):
    """Why a call is stopped, and what its caller is told."""

    CALLER = (StatusCode.CANCELLED, errors.Cancelled, "the call was cancelled")
    DEADLINE = (
        StatusCode.DEADLINE_EXCEEDED,
        errors.DeadlineExceeded,
        "the deadline of the call passed; give it more time or ask for less",
    )
    DRAIN = (
        StatusCode.UNAVAILABLE,
        errors.ShuttingDown,
        "this server is shutting down; try another replica, or this one in a moment",
    )

    @property
    def code(self) -> StatusCode:
        """The status code."""
        code: StatusCode = self.value[0]
        return code

    def error(self) -> errors.AlserviceError:
        """What to raise."""
        kind: type[errors.AlserviceError] = self.value[1]
        return kind(self.value[2])


@dataclass(slots=True, eq=False)
class Rpc:
    """One call. `method` is `package.Service/Method`; `request_id` is that of the log."""

    method: str
    context: Any
    request_id: str
    principal: Principal = LOCAL
    resource: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    cancel: CancelFlag = field(default_factory=CancelFlag)
    cause: Cause | None = None
    hurry: bool = False  # the server drains: a call that merely waits should answer now
    task: "asyncio.Task[Any] | None" = field(default_factory=asyncio.current_task)

    @property
    def name(self) -> str:
        """The last component of the method."""
        return self.method.rpartition("/")[2]

    def stop(self, cause: Cause) -> Cause:
        """Tell whatever works for this call to stop; the first cause stands, and is returned."""
        self.cause = self.cause or cause
        self.cancel.cancel()
        return self.cause

    def stop_without_caller(self) -> Cause:
        """The caller has gone: because its deadline has passed, or for reasons of its own."""
        left_s = self.context.time_remaining()
        late = left_s is not None and left_s <= 0
        return self.stop(Cause.DEADLINE if late else Cause.CALLER)

    def interrupt(self) -> None:
        """The server ends: stop the work, and wake the call from whatever it waits for."""
        self.stop(Cause.DRAIN)
        if self.task:
            self.task.cancel()

    @contextlib.contextmanager
    def deadline(self) -> Iterator[None]:
        """Stop the call when its deadline passes."""
        left_s = self.context.time_remaining()
        if left_s is None:
            yield
            return
        timer = asyncio.get_running_loop().call_later(left_s, self.stop, Cause.DEADLINE)
        try:
            yield
        finally:
            timer.cancel()


CURRENT: Final[ContextVar[Rpc]] = ContextVar("alservice_rpc")


@dataclass(slots=True, eq=False)
class InFlight:
    """All running calls. For one event loop."""

    draining: bool = False
    running: set[Rpc] = field(default_factory=set)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.contextmanager
    def admit(self, rpc: Rpc) -> Iterator[None]:
        """Count the call as running. Raises ShuttingDown while draining."""
        if self.draining:
            raise Cause.DRAIN.error()
        self.running.add(rpc)
        try:
            yield
        finally:
            self.running.discard(rpc)
            if not self.running:
                self._idle.set()

    async def drain(self, grace_s: float) -> bool:
        """Admit nothing more and wait for what runs; after `grace_s` seconds, interrupt it.

        Returns whether everything has ended.
        """
        self.draining = True
        for rpc in self.running:
            rpc.hurry = True
        if await self._ended(grace_s):
            return True
        for rpc in list(self.running):
            rpc.interrupt()
        return await self._ended(LAST_WORDS_S)

    async def _ended(self, timeout_s: float) -> bool:
        if not self.running:
            return True
        self._idle.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        return not self.running
