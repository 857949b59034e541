"""Orders on their way to actors; those whose actor dies are given to its successor."""

import secrets
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self

from alservice.core import CancelFlag, Cancelled
from alservice.scoring.spread.shards import Order
from alservice.telemetry.logs import logger

_log: Final = logger("ray")
_ATTEMPTS: Final = 3
_POLL_S: Final = 0.02  # how soon a cancelled query is noticed


class Actors(Protocol):
    """Who can be sent orders."""

    ray: Any

    def actor(self, shard: int) -> Any:
        """The one that has this place now; None where the cluster is gone."""

    def replace(self, shard: int, dead: Any) -> None:
        """Another in its place; once per death."""

    def lost(self, used: Sequence[Any]) -> None:
        """The cluster of these actors cannot be reached."""


class Call:
    """A Pending. For one thread.

    An actor's own failure comes as a RayError. Whatever else Ray raises, bare Exceptions among it,
    says that the cluster cannot be asked.
    """

    def __init__(self, actors: Actors, orders: Mapping[int, Order]) -> None:
        self._actors, self._orders = actors, orders
        self._name = secrets.token_hex(8)
        self._attempts = dict.fromkeys(orders, 0)
        self._waiting: dict[int, tuple[Any, Any]] = {}  # by shard: the reference, the actor
        self._errors = actors.ray.exceptions

    def __enter__(self) -> Self:
        for shard in self._orders:
            self._send(shard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Whatever still runs is told to stop."""
        try:
            for _, actor in self._waiting.values():
                actor.cancel.remote(self._name)
        except Exception as found:  # noqa: BLE001 see above
            _log.warning("a call on Ray could not be cancelled", error=reason(found))

    def wait(self, cancel: CancelFlag) -> Mapping[int, object]:
        """The answers by shard; without those that could not be had. Raises Cancelled."""
        answers: dict[int, object] = {}
        while self._waiting:
            if cancel.cancelled:
                raise Cancelled
            try:
                self._take_what_is_ready(answers)
            except Exception as error:  # noqa: BLE001 see above
                self._give_up(error)
        return answers

    def _take_what_is_ready(self, answers: dict[int, object]) -> None:
        references = [reference for reference, _ in self._waiting.values()]
        found, _ = self._actors.ray.wait(references, num_returns=1, timeout=_POLL_S)
        for shard, (reference, actor) in list(self._waiting.items()):
            if reference in found:
                self._take(shard, reference, actor, answers)

    def _take(self, shard: int, reference: Any, actor: Any, answers: dict[int, object]) -> None:
        try:
            answers[shard] = self._actors.ray.get(reference)
            del self._waiting[shard]
        except self._errors.RayActorError:
            self._actors.replace(shard, actor)
            del self._waiting[shard]
            self._send(shard)
        except self._errors.RayError as error:
            _log.warning("an order on Ray failed", shard=shard, error=reason(error))
            del self._waiting[shard]

    def _send(self, shard: int) -> None:
        actor = self._actors.actor(shard)
        if actor is None or self._attempts[shard] == _ATTEMPTS:
            return
        self._attempts[shard] += 1
        try:
            reference = actor.carry_out.remote(self._name, self._orders[shard])
        except Exception as error:  # noqa: BLE001 see above
            self._give_up(error, actor)
            return
        self._waiting[shard] = (reference, actor)

    def _give_up(self, error: BaseException, *others: Any) -> None:
        _log.warning("Ray cannot be asked", error=reason(error))
        self._actors.lost([*others, *(actor for _, actor in self._waiting.values())])
        self._waiting.clear()


def reason(error: BaseException) -> str:
    """The last line says it: what is above it is a trace of the other machine."""
    return str(error).strip().rsplit("\n", 1)[-1] or type(error).__name__
