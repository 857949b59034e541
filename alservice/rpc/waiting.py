"""Wait for an operation by looking at it again and again: the catalog tells no one what changes.

Between two looks nothing is held, no thread and no connection, so that many may wait.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from google.longrunning import operations_pb2 as pb

from alservice.domain.errors import InvalidField, Overloaded
from alservice.domain.operation import OperationView
from alservice.rpc.context import Context
from alservice.rpc.in_flight import CURRENT

INTERVAL_S: Final = 0.1
LOOKS: Final = 4
# What is left for the answer to arrive before the call's own deadline: a quarter, or this.
ANSWER_S: Final = 1.0


def few_looks() -> asyncio.Semaphore:
    """What all waiting calls of a server share: they take a few places of the queue, not all."""
    return asyncio.Semaphore(LOOKS)


def parse_wait(request: pb.WaitOperationRequest, context: Context) -> float:
    """How long to wait at most, in seconds.

    Until shortly before the call's deadline, and no longer than the request says. Raises
    InvalidField.
    """
    timeout_s = math.inf
    if request.HasField("timeout"):
        timeout_s = request.timeout.ToMilliseconds() / 1000
    if timeout_s < 0:
        raise InvalidField("timeout must not be negative", field="timeout", value=timeout_s)
    remaining_s: float | None = context.time_remaining()
    if remaining_s is None:
        return timeout_s
    return min(timeout_s, remaining_s - min(ANSWER_S, remaining_s / 4))


async def until_done(
    look: Callable[[], Awaitable[OperationView]], timeout_s: float, looks: asyncio.Semaphore
) -> OperationView:
    """What the last look saw: a done operation, or how far it came within `timeout_s`.

    A server that drains does not wait. A look that is turned away for a crowd is made again: who
    waits has time. Raises Overloaded if there has been none by the end, and shortly after it.
    """
    clock, rpc = asyncio.get_running_loop(), CURRENT.get()
    end = clock.time() + timeout_s
    seen = await _patient(look, looks, end, None)
    while not (_done(seen) or rpc.hurry) and (left := end - clock.time()) > 0:
        await asyncio.sleep(min(INTERVAL_S, left))
        seen = await _patient(look, looks, end, seen)
    return seen or await _look(look, looks, clock.time() + ANSWER_S, None)


def _done(seen: OperationView | None) -> bool:
    return seen is not None and seen.operation.state.done


async def _patient(
    look: Callable[[], Awaitable[OperationView]],
    looks: asyncio.Semaphore,
    end: float,
    seen: OperationView | None,
) -> OperationView | None:
    """What is seen now, or was `seen` if no look is to be had by `end`, on the loop's clock."""
    with suppress(Overloaded):
        return await _look(look, looks, end, seen)
    return seen


async def _look(
    look: Callable[[], Awaitable[OperationView]],
    looks: asyncio.Semaphore,
    end: float,
    seen: OperationView | None,
) -> OperationView:
    """One look, or `seen` where the server began to drain. Raises Overloaded without a place."""
    try:
        async with asyncio.timeout_at(end):
            await looks.acquire()
    except TimeoutError as error:
        raise Overloaded("too many calls wait for operations; try again in a moment") from error
    try:
        return seen if seen and CURRENT.get().hurry else await look()
    finally:
        looks.release()
