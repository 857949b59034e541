"""Orders on their way to actors; those whose actor dies are given to its successor.

Who takes the place of another says who it is first: its node may run another version by now, or
have lost the segments.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Protocol, Self

from alservice.core import CancelFlag, Cancelled
from alservice.scoring.on_ray.actor import About
from alservice.scoring.on_ray.pulse import Pulse
from alservice.scoring.spread.shards import Order
from alservice.telemetry.logs import logger

_log: Final = logger("ray")
_ATTEMPTS: Final = 3
_POLL_S: Final = 0.02  # how soon a cancelled query is noticed
_SILENT_S: Final = 30.0  # in which Ray answers a poll, whatever else the machines do
_LOADING: Final = 4  # times as long for an answer that is ready: it may be large


class Actors(Protocol):
    """Who can be sent orders."""

    ray: Any

    def actor(self, shard: int) -> Any:
        """The one that has this place now; None where it rests, or the cluster is gone."""

    def known(self, shard: int, actor: Any) -> bool:
        """False for a successor that has yet to say who it is."""

    def meet(self, shard: int, actor: Any, about: About) -> bool:
        """Whether this successor, by what it says of itself, may be given orders."""

    def unfit(self, shard: int, actor: Any, why: str) -> None:
        """This successor cannot say who it is."""

    def replace(self, shard: int, dead: Any) -> None:
        """Another in its place; once per death."""

    def lost(self, epoch: int) -> None:
        """The cluster of that time cannot be reached."""

    def hung(self, shard: int, actor: Any) -> None:
        """This actor says nothing any more, though the cluster is there."""

    def well(self, shard: int, actor: Any) -> None:
        """This actor has answered an order."""


class Call:
    """A Pending. For one thread, which never waits for Ray itself.

    A connection that has gone silent blocks Ray's client for up to ten minutes, even where it
    drops a reference. So a thread of the call's own talks to it; one that says nothing for long is
    left behind. An actor at work is asked now and then whether it still is: one that hangs (its
    process is stopped, its machine swaps) raises nothing. An actor's own failure comes as a
    RayError. Whatever else Ray raises, bare Exceptions among it, says that the cluster cannot be
    asked.
    """

    def __init__(self, actors: Actors, orders: Mapping[int, Order], epoch: int) -> None:
        """`epoch`: of the cluster, which is told when it is lost."""
        self._actors, self._orders, self._epoch = actors, orders, epoch
        self._name = secrets.token_hex(8)
        self._attempts = dict.fromkeys(orders, 0)
        self._waiting: dict[int, tuple[Any, Any]] = {}  # by shard: the reference, the actor
        self._pulses: dict[int, Pulse] = {}
        self._answers: dict[int, object] = {}
        self._errors = actors.ray.exceptions
        self._heard, self._patience = time.monotonic(), 1
        self._over, self._unwanted = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        if self._orders:
            threading.Thread(target=self._talk, name="ray-call", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Whatever still runs is told to stop."""
        self._unwanted.set()

    def wait(self, cancel: CancelFlag) -> Mapping[int, object]:
        """The answers by shard; without those that could not be had. Raises Cancelled."""
        while True:
            if cancel.cancelled:
                raise Cancelled
            if self._over.wait(_POLL_S):
                break
            if time.monotonic() - self._heard > _SILENT_S * self._patience:
                _log.warning("Ray does not answer", seconds=_SILENT_S * self._patience)
                self._actors.lost(self._epoch)
                break
        return dict(self._answers)

    def _talk(self) -> None:
        try:
            for shard in self._orders:
                self._send(shard)
            while self._waiting and not self._unwanted.is_set():
                self._take_what_is_ready()
            for _, actor in self._waiting.values():
                actor.cancel.remote(self._name)
        except Exception as error:  # noqa: BLE001 see above
            _log.warning("Ray cannot be asked", error=reason(error))
            self._actors.lost(self._epoch)
        finally:
            self._over.set()
            self._pulses.clear()
            self._waiting.clear()  # here, for to drop a reference may block, too

    def _take_what_is_ready(self) -> None:
        references = [reference for reference, _ in self._waiting.values()]
        references += [pulse.asked for pulse in self._pulses.values() if pulse.asked is not None]
        found, left = self._actors.ray.wait(references, num_returns=1, timeout=_POLL_S)
        if found and left:
            found += self._actors.ray.wait(left, num_returns=len(left), timeout=0)[0]
        self._heard = time.monotonic()
        waiting = list(self._waiting.items())
        for shard, (reference, actor) in waiting:  # all, before an answer takes its time to come
            pulse = self._pulses[shard]
            if reference not in found and not pulse.beats(found, actor, _SILENT_S):
                self._leave(shard)
                actor.cancel.remote(self._name)  # it may go on some time
                self._actors.hung(shard, actor)
        for shard, (reference, actor) in waiting:
            if reference in found:
                self._leave(shard)
                self._take(shard, reference, actor)

    def _leave(self, shard: int) -> None:
        del self._waiting[shard], self._pulses[shard]

    def _take(self, shard: int, reference: Any, actor: Any) -> None:
        try:
            answer = self._get(reference)
        except self._errors.RayError as error:
            self._failed(shard, actor, error)
            return
        if not isinstance(answer, About):
            self._answers[shard] = answer
            self._actors.well(shard, actor)
        elif self._actors.meet(shard, actor, answer):
            self._send(shard)

    def _get(self, reference: Any) -> object:
        self._patience = _LOADING
        try:
            return self._actors.ray.get(reference)
        finally:
            self._heard = time.monotonic()
            self._patience = 1

    def _failed(self, shard: int, actor: Any, error: BaseException) -> None:
        if not self._actors.known(shard, actor):
            self._actors.unfit(shard, actor, reason(error))
        elif isinstance(error, self._errors.RayActorError):
            self._actors.replace(shard, actor)
            self._send(shard)
        else:
            self._actors.well(shard, actor)
            _log.warning("an order on Ray failed", shard=shard, error=reason(error))

    def _send(self, shard: int) -> None:
        """The order, or the question that comes before it; nothing once nobody wants it."""
        if self._unwanted.is_set() or self._attempts[shard] == _ATTEMPTS:
            return
        if (actor := self._actors.actor(shard)) is None:
            return
        self._pulses[shard] = Pulse(time.monotonic())
        if self._actors.known(shard, actor):
            self._attempts[shard] += 1
            reference = actor.carry_out.remote(self._name, self._orders[shard])
        else:
            reference = actor.about.remote()
        self._waiting[shard] = (reference, actor)
        self._heard = time.monotonic()  # an order may be large, and there are many


def reason(error: BaseException) -> str:
    """The last line says it: what is above it is a trace of the other machine."""
    return str(error).strip().rsplit("\n", 1)[-1] or type(error).__name__
