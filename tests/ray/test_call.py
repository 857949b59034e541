"""What is large or many takes long, and nobody is called silent for that."""

import threading
from types import SimpleNamespace

import pytest

from alservice.core import CancelFlag
from alservice.scoring.on_ray.call import _SILENT_S, Call
from alservice.scoring.spread.shards import Order
from alservice.scoring.spread.tasks import Draw
from tests.ray.slow import Clock, SlowActor, SlowActors, SlowRay

ORDERS = {shard: Order(Draw(shard, 0), ()) for shard in range(6)}
LONG = _SILENT_S + 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The only one that a call sees."""
    clock = Clock()
    for module in ("call", "pulse"):
        seen = SimpleNamespace(monotonic=clock.monotonic)
        monkeypatch.setattr(f"alservice.scoring.on_ray.{module}.time", seen)
    return clock


def ask(clock: Clock, get_s: float, *actors: SlowActor) -> None:
    """Each is given an order; all must answer, and nothing be said of them."""
    asked = SlowActors(SlowRay(clock, get_s), actors)
    orders = {shard: ORDERS[shard] for shard in range(len(actors))}
    with Call(asked, orders, 0) as pending:
        found = pending.wait(CancelFlag())
    clock.stop()
    assert (asked.said, found) == ([], orders)


def test_an_answer_that_takes_long_to_come_is_waited_for(clock: Clock) -> None:
    ask(clock, LONG, SlowActor(clock))


def test_who_answers_while_others_are_heard_is_not_called_hung(clock: Clock) -> None:
    ask(clock, LONG, SlowActor(clock), SlowActor(clock), SlowActor(clock, ready_at=LONG * 2.1))


def test_orders_that_take_long_to_send_are_waited_for(clock: Clock) -> None:
    ask(clock, 0, *(SlowActor(clock, send_s=_SILENT_S * 0.9) for _ in ORDERS))


def test_a_transfer_that_never_ends_is_not_waited_for(clock: Clock) -> None:
    actors = SlowActors(SlowRay(clock, get_s=LONG * 4), [SlowActor(clock)])
    with Call(actors, {0: ORDERS[0]}, 0) as pending:
        assert pending.wait(CancelFlag()) == {}
    assert actors.said == ["lost"]


def test_who_is_cancelled_sends_no_further_orders(clock: Clock) -> None:
    left, stopped = threading.Event(), threading.Event()
    first = SlowActor(clock, sending=left.wait, stopping=stopped.set)
    actors = [first, SlowActor(clock), SlowActor(clock)]
    with Call(SlowActors(SlowRay(clock), actors), {shard: ORDERS[shard] for shard in range(3)}, 0):
        pass
    left.set()
    assert stopped.wait(60)
    assert [each.sent for each in actors] == [1, 0, 0]


def test_who_hangs_is_told_to_stop_when_it_is_left(clock: Clock) -> None:
    stopped = threading.Event()
    actor = SlowActor(clock, ready_at=LONG * 9, says_at=LONG * 9, stopping=stopped.set)
    actors = SlowActors(SlowRay(clock), [actor])
    with Call(actors, {0: ORDERS[0]}, 0) as pending:
        assert pending.wait(CancelFlag()) == {}
        assert stopped.is_set()
    assert actors.said == ["0 hung"]
