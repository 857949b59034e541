"""A cluster in this process, as a call sees it: transfers take long, by a clock of its own."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from alservice.scoring.on_ray.actor import About

ABOUT = About("1", None, 1)


class Clock:
    """Seconds; when some pass, then until whoever waits has judged by them."""

    def __init__(self) -> None:
        self.now, self._waiter = 0.0, threading.get_ident()
        self._looks, self._over = 0, False
        self._looked = threading.Condition()

    def monotonic(self) -> float:
        """Seconds."""
        if threading.get_ident() == self._waiter:
            with self._looked:
                self._looks += 1
                self._looked.notify_all()
        return self.now

    def passes(self, seconds: float) -> None:
        """What the waiter makes of so much more is done when this returns."""
        if not seconds:
            return
        with self._looked:
            self.now += seconds
            then = self._looks + 2  # the second look follows on whatever the first has led to
            assert self._looked.wait_for(lambda: self._over or self._looks >= then, 60)

    def stop(self) -> None:
        """Nobody waits any more."""
        with self._looked:
            self._over = True
            self._looked.notify_all()


@dataclass(eq=False)
class Reference:
    """What was asked for."""

    answer: object
    ready_at: float = 0.0


@dataclass
class SlowRay:
    """To get an answer takes `get_s`."""

    clock: Clock
    get_s: float = 0.0
    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(
            RayError=ArithmeticError, RayActorError=ZeroDivisionError
        )
    )

    def wait(
        self, references: Sequence[Reference], *, num_returns: int, timeout: float
    ) -> tuple[list[Reference], list[Reference]]:
        """At most as many as are asked for."""
        ready = [each for each in references if each.ready_at <= self.clock.now][:num_returns]
        if not ready:
            self.clock.now += timeout
        return ready, [each for each in references if each not in ready]

    def get(self, reference: Reference) -> object:
        """The answer."""
        self.clock.passes(self.get_s)
        return reference.answer


@dataclass(eq=False)
class SlowActor:
    """Sees to its order until `ready_at`; who it is takes it until `says_at`, sending `send_s`."""

    clock: Clock
    send_s: float = 0.0
    ready_at: float = 0.0
    says_at: float = 0.0
    sending: Callable[[], object] = bool
    stopping: Callable[[], object] = bool
    sent: int = 0
    about: Any = field(init=False)
    carry_out: Any = field(init=False)
    cancel: Any = field(init=False)

    def __post_init__(self) -> None:
        self.about = SimpleNamespace(remote=lambda: Reference(ABOUT, self.says_at))
        self.carry_out = SimpleNamespace(remote=self._send)
        self.cancel = SimpleNamespace(remote=lambda _call: self.stopping())

    def _send(self, _call: str, order: object) -> Reference:
        self.sent += 1
        self.sending()
        self.clock.passes(self.send_s)
        return Reference(order, self.ready_at)


@dataclass
class SlowActors:
    """All of them are known, and stay; notes what is said of them."""

    ray: SlowRay
    actors: Sequence[SlowActor]
    said: list[str] = field(default_factory=list)

    def actor(self, shard: int) -> SlowActor:
        """Who has this place."""
        return self.actors[shard]

    def known(self, shard: int, actor: Any) -> bool:
        """Yes."""
        return self.actors[shard] is actor

    def meet(self, shard: int, actor: Any, about: About) -> bool:
        """Nobody is met."""
        raise NotImplementedError

    def unfit(self, shard: int, actor: Any, why: str) -> None:
        """Nobody is."""
        raise NotImplementedError

    def replace(self, shard: int, dead: Any) -> None:
        """Nobody dies."""
        raise NotImplementedError

    def lost(self, _epoch: int) -> None:
        """Noted."""
        self.said.append("lost")
        self.ray.clock.stop()

    def hung(self, shard: int, _actor: Any) -> None:
        """Noted."""
        self.said.append(f"{shard} hung")

    def well(self, shard: int, actor: Any) -> None:
        """All are."""
