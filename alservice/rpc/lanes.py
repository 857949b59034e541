"""Threads for the use cases: a few for each kind of work, and a bounded queue before them.

A long pool pass must not keep a label from being stored, so each kind of work has a lane of its
own. The event loop only hands over and waits.
"""

import asyncio
import contextlib
import contextvars
import enum
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from alservice.domain.errors import Overloaded

R = TypeVar("R")


class Lane(enum.Enum):
    """Kinds of work."""

    READ = "read"
    WRITE = "write"
    SCORE = "score"


# Reads are short. Writes wait for the disk, and those that wait together are committed
# together. A pool pass takes all cores by itself: a second one keeps them busy between passes.
THREADS: Final[Mapping[Lane, int]] = {Lane.READ: 4, Lane.WRITE: 16, Lane.SCORE: 2}


class LaneThreads:
    """The threads of one lane. All methods are for the event loop's thread."""

    def __init__(self, lane: Lane, threads: int, waiting: int) -> None:
        self.lane = lane
        self.threads = threads
        self.waiting = waiting
        self.taken = 0
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=lane.value)

    @property
    def running_count(self) -> int:
        """Calls that have a thread."""
        return min(self.taken, self.threads)

    @property
    def waiting_count(self) -> int:
        """Calls that wait for a thread."""
        return max(0, self.taken - self.threads)

    def submit(self, work: Callable[[], R], *, bounded: bool = True) -> Future[R]:
        """Queue `work`, with the context of the caller. Raises Overloaded if it is bounded."""
        if bounded and self.taken >= self.threads + self.waiting:
            text = f"{self.waiting} calls of this kind wait already; retry after a moment"
            raise Overloaded(text, lane=self.lane.value, waiting=self.waiting)
        self.taken += 1
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        future = self._executor.submit(context.run, _without_stop_iteration, work)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        return future

    def close(self) -> None:
        """Take no more work; does not wait."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _leave(self) -> None:
        self.taken -= 1


class Lanes:
    """All lanes."""

    def __init__(self, waiting: int, threads: Mapping[Lane, int] = THREADS) -> None:
        self.all = {lane: LaneThreads(lane, threads[lane], waiting) for lane in Lane}

    async def run(
        self, lane: Lane, stop: Callable[[], object], function: Callable[..., R], *args: object
    ) -> R:
        """What `function(*args)` returns, from a thread of the lane. Raises Overloaded.

        When the waiting task is cancelled, `stop` is called, and the cancellation goes on only
        after the thread is done: what the function worked on is never left to two threads.
        """
        work = self.all[lane].submit(partial(function, *args))
        waiter = asyncio.wrap_future(work)
        try:
            return await asyncio.shield(waiter)
        except asyncio.CancelledError:
            stop()
            if not work.cancel():
                await finished(waiter)
            if waiter.done() and not waiter.cancelled():
                waiter.exception()  # taken note of: the caller has gone
            raise

    async def tidy_up(self, lane: Lane, function: Callable[[], R]) -> R:
        """What `function()` returns: it is neither refused nor given up, whoever is cancelled."""
        waiter = asyncio.wrap_future(self.all[lane].submit(function, bounded=False))
        await finished(waiter)
        return waiter.result()

    def close(self) -> None:
        """Take no more work; does not wait."""
        for threads in self.all.values():
            threads.close()


async def finished(waiter: "asyncio.Future[Any]") -> None:
    """Wait until it is done, however often the waiting task is cancelled meanwhile."""
    while not waiter.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({waiter})


def _without_stop_iteration(work: Callable[[], R]) -> R:
    """A future cannot carry StopIteration: the call would hang."""
    try:
        return work()
    except StopIteration as error:
        raise RuntimeError("a use case raised StopIteration") from error
