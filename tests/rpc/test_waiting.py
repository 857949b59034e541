"""Waiting is bounded: by its time, by a drain, and by the places that all who wait share."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from alservice.domain.errors import Overloaded
from alservice.domain.operation import Operation, OperationKind, OperationState, OperationView
from alservice.rpc import waiting as module
from alservice.rpc.in_flight import CURRENT, Rpc
from alservice.rpc.waiting import few_looks, until_done
from tests.rpc.edge import PATIENCE_S

T = TypeVar("T")


def view(state: OperationState = OperationState.RUNNING) -> OperationView:
    return OperationView(
        Operation(operation_id="o-1", project_id="reviews", kind=OperationKind.MERGE, state=state)
    )


class Looks:
    """A look that counts, holds when told to, and shows what it is given, then the last again."""

    def __init__(self, *shown: OperationView | Overloaded) -> None:
        self.made = 0
        self.most_at_once = 0
        self._at_once = 0
        self._shown = list(shown)
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> OperationView:
        self.made += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.go.wait()
        finally:
            self._at_once -= 1
        shown = self._shown.pop(0) if len(self._shown) > 1 else self._shown[0]
        if isinstance(shown, Overloaded):
            raise shown
        return shown


@pytest.fixture(autouse=True)
def rpc() -> Iterator[Rpc]:
    made = Rpc("alservice/Wait", None, "r-1", task=None)
    token = CURRENT.set(made)
    yield made
    CURRENT.reset(token)


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(PATIENCE_S):
            return await work()

    return asyncio.run(bounded())


async def full() -> asyncio.Semaphore:
    """No place is free, nor will be."""
    looks = few_looks()
    for _ in range(module.LOOKS):
        await looks.acquire()
    return looks


async def queued(looks: asyncio.Semaphore, waiters: int = 1) -> None:
    """Until so many wait for a place."""
    while len(looks._waiters or ()) < waiters:  # noqa: ASYNC110 nobody is told
        await asyncio.sleep(0)


async def crowded_out(
    look: Looks, timeout_s: float, looks: asyncio.Semaphore
) -> "asyncio.Task[OperationView]":
    """Who waits, and has seen something, when others take all places and keep them."""
    look.go.clear()
    waiting = asyncio.create_task(until_done(look, timeout_s, looks))
    while look.made == 0:  # noqa: ASYNC110 nobody is told
        await asyncio.sleep(0)
    others = [asyncio.create_task(looks.acquire()) for _ in range(module.LOOKS)]
    await queued(looks)
    look.go.set()
    await asyncio.gather(*others)
    return waiting


def test_a_done_operation_is_answered_at_once_and_without_any_limit_of_time() -> None:
    async def work() -> None:
        look = Looks(Overloaded("a crowd"), view(), view(OperationState.SUCCEEDED))
        seen = await until_done(look, math.inf, few_looks())
        assert seen.operation.state is OperationState.SUCCEEDED
        assert look.made == 3

    run(work)


def test_without_a_place_the_answer_is_what_was_seen_before() -> None:
    async def work() -> None:
        looks, look = few_looks(), Looks(view())
        waiting = await crowded_out(look, 3 * module.INTERVAL_S, looks)
        assert not (await waiting).operation.state.done
        assert look.made == 1

    run(work)


def test_where_nothing_was_seen_at_all_it_is_said_that_too_many_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.01)

    async def work() -> None:
        looks, look = await full(), Looks(view())
        for timeout_s in (-1.0, 0.0, 0.01):
            with pytest.raises(Overloaded, match="too many calls wait"):
                await until_done(look, timeout_s, looks)
        assert look.made == 0

    run(work)


def test_a_last_look_waits_for_a_place_and_not_past_the_others() -> None:
    async def work() -> None:
        looks, look = await full(), Looks(view())
        waiting = asyncio.create_task(until_done(look, 0.0, looks))
        await queued(looks)
        assert look.made == 0
        looks.release()
        await waiting
        assert look.made == 1
        await looks.acquire()  # it gave its place back

    run(work)


def test_however_many_wait_only_a_few_look_at_once() -> None:
    async def work() -> None:
        looks, look = few_looks(), Looks(view())
        look.go.clear()
        waiting = [asyncio.create_task(until_done(look, 0.0, looks)) for _ in range(50)]
        await queued(looks, 50 - module.LOOKS)
        assert look.made == look.most_at_once == module.LOOKS
        look.go.set()
        assert len(await asyncio.gather(*waiting)) == 50 == look.made
        assert look.most_at_once == module.LOOKS

    run(work)


def test_a_drain_answers_who_has_seen_something_without_another_look(rpc: Rpc) -> None:
    async def work() -> None:
        looks, look = few_looks(), Looks(view())
        waiting = await crowded_out(look, math.inf, looks)
        await queued(looks)
        rpc.hurry = True
        looks.release()
        assert not (await waiting).operation.state.done
        assert look.made == 1

    run(work)


def test_a_drain_lets_who_has_seen_nothing_look_once(rpc: Rpc) -> None:
    rpc.hurry = True

    async def work() -> None:
        look = Looks(Overloaded("a crowd"), view())
        assert not (await until_done(look, math.inf, few_looks())).operation.state.done
        assert look.made == 2

    run(work)
