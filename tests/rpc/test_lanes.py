"""Lanes: what a call worked on is never left to two threads, and tidying up always happens."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from alservice.domain.errors import Overloaded
from alservice.rpc.lanes import Lane, Lanes

ONE_EACH = dict.fromkeys(Lane, 1)


def in_lanes(scenario: Callable[[Lanes, threading.Event], object]) -> None:
    """Run a scenario in lanes of one thread, where one call may wait; `go` frees what blocks."""
    go = threading.Event()

    async def run() -> None:
        lanes = Lanes(1, ONE_EACH)
        try:
            await scenario(lanes, go)  # type: ignore[misc]
        finally:
            go.set()
            lanes.close()

    asyncio.run(run())


async def turns(count: int = 5) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_however_often_it_is_cancelled_a_call_ends_after_its_thread() -> None:
    async def scenario(lanes: Lanes, go: threading.Event) -> None:
        begun, ended = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            loop.call_soon_threadsafe(begun.set)
            go.wait()
            ended.set()

        call = asyncio.ensure_future(lanes.run(Lane.WRITE, lambda: None, work))
        await begun.wait()
        for _ in range(3):
            call.cancel()
            await turns()
            assert not call.done()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert ended.is_set()

    in_lanes(scenario)


def test_tidying_up_is_not_refused_and_not_given_up_while_it_waits() -> None:
    async def scenario(lanes: Lanes, go: threading.Event) -> None:
        done: list[str] = []
        running = asyncio.ensure_future(lanes.run(Lane.WRITE, lambda: None, go.wait))
        waiting = asyncio.ensure_future(lanes.run(Lane.WRITE, lambda: None, go.wait))
        await turns()
        with pytest.raises(Overloaded):
            await lanes.run(Lane.WRITE, lambda: None, go.wait)
        tidying = asyncio.ensure_future(lanes.tidy_up(Lane.WRITE, lambda: done.append("tidy")))
        await turns()
        tidying.cancel()
        await turns()
        assert not tidying.done()
        go.set()
        await asyncio.gather(running, waiting, tidying)
        assert done == ["tidy"]

    in_lanes(scenario)
