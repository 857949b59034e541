"""From an RPC to a use case: says who calls, finds a thread, waits."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from alservice.domain.call import Call
from alservice.rpc.in_flight import CURRENT
from alservice.rpc.lanes import Lane, Lanes

__all__ = ["Lane", "Runner"]

C = TypeVar("C")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs use cases for servicers. Raises what they raise; the interceptor translates it."""

    lanes: Lanes

    async def __call__(
        self,
        request: Message,
        context: object,
        lane: Lane,
        usecase: Callable[[Call, C], R],
        command: C,
    ) -> R:
        """`usecase(call, command)` on a thread of the lane. Raises Overloaded."""
        return await self.call(lane, usecase, self.make_call(request, context), command)

    async def call(self, lane: Lane, function: Callable[..., R], *args: object) -> R:
        """`function(*args)` on a thread of the lane. Returns or raises only when it has ended.

        Raises Overloaded.
        """
        return await self.lanes.run(lane, CURRENT.get().stop_without_caller, function, *args)

    async def tidy_up(self, lane: Lane, function: Callable[[], R]) -> R:
        """`function()` on a thread of the lane, however many calls wait and whoever goes away."""
        return await self.lanes.tidy_up(lane, function)

    def make_call(self, request: Message, context: object) -> Call:
        """What a use case is told. `request` may be the first message of a stream."""
        rpc = CURRENT.get()
        request_id = getattr(request, "request_id", "")
        return Call(
            principal=rpc.principal,
            method=rpc.name,
            request_id=request_id,
            fingerprint=fingerprint(request) if request_id else "",
            cancel=rpc.cancel,
        )


def fingerprint(request: Message) -> str:
    """SHA-256 of the request without its request_id, in hexadecimal."""
    plain = type(request)()
    plain.CopyFrom(request)
    if "request_id" in plain.DESCRIPTOR.fields_by_name:
        plain.ClearField("request_id")
    return hashlib.sha256(plain.SerializeToString(deterministic=True)).hexdigest()
