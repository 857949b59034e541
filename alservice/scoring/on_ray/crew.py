"""Actors on the nodes of a cluster, made anew when they die; and the cluster, found again."""

import importlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from alservice import __version__
from alservice.core import Engine
from alservice.domain.startup import StartupError
from alservice.scoring.on_ray.actor import About, OpenStore, ShardActor
from alservice.scoring.on_ray.call import Call, reason
from alservice.scoring.spread.shards import Order
from alservice.telemetry.logs import logger

_log: Final = logger("ray")
_START_S: Final = 120.0
_AGAIN_S: Final = 10.0  # between attempts to reach a cluster that is gone
_LEAVE_S: Final = 15.0
_REST_S: Final = 60.0  # for which an actor that does not answer, or is unfit, is asked nothing
_LONGEST_REST_S: Final = 480.0  # each rest after one that hangs is twice the one before
_AT_ONCE: Final = 64  # calls; more than a replica runs


class Crew:
    """Shards on Ray: one actor per node that has CPUs, with as many threads as it has CPUs.

    Actors take no CPUs from Ray's books, so that every replica may have its own everywhere. Where
    the cluster is gone there are no shards, until it is back. Safe for many threads.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        engine: Engine,
        open_store: OpenStore,
        mark: str | None,
        actors_per_node: int = 1,
    ) -> None:
        """Connect, start the actors, and see that they find `mark` in the place of the segments.

        Raises StartupError.
        """
        self._connect, self._per_node = connect, actors_per_node
        self._simd, self._open_store, self._mark = engine.simd, open_store, mark
        self._lock, self._mending = threading.Lock(), threading.Lock()
        self._closed = threading.Event()
        self._homes: list[tuple[str, int]] = []
        self._actors: list[Any] = []
        self._epoch = 0  # how often the cluster was lost
        self._rest: dict[int, tuple[float, float]] = {}  # by shard: its end, its length
        self._strangers: dict[int, Any] = {}  # by shard: a successor that has yet to say who it is
        self.ray: Any = connect()
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    @property
    def count(self) -> int:
        """Actors."""
        return len(self._actors)

    def start(self, orders: Mapping[int, Order]) -> Call:
        """Begin orders, by shard."""
        return Call(self, orders, self._epoch)

    def actor(self, shard: int) -> Any:
        """The one that has this place now; None where it rests, or the cluster is gone.

        After a rest one call tries it; others go on without until it has answered.
        """
        now = time.monotonic()
        with self._lock:
            end, length = self._rest.get(shard, (0.0, 0.0))
            if shard >= len(self._actors) or now < end:
                return None
            found = self._actors[shard]
            if found is not None and shard in self._rest:
                length = min(2 * length, _LONGEST_REST_S)
                self._rest[shard] = (now + length, length)
        return self._fill(shard, None) if found is None else found

    def known(self, shard: int, actor: Any) -> bool:
        """False for a successor that has not been met: nothing but who it is may be asked."""
        with self._lock:
            return self._strangers.get(shard) is not actor

    def meet(self, shard: int, actor: Any, about: About) -> bool:
        """Whether this successor, by what it says of itself, is given orders from now on."""
        try:
            _check(about, self._mark)
        except StartupError as error:
            self.unfit(shard, actor, str(error))
            return False
        with self._lock:
            if self._strangers.get(shard) is actor:
                del self._strangers[shard]
        return True

    def unfit(self, shard: int, actor: Any, why: str) -> None:
        """This successor is none: nothing is asked of its place for a minute, then another tries.

        It stays a stranger, for somebody may just be about to ask it.
        """
        with self._lock:
            if not self._holds(shard, actor) or self._strangers.get(shard) is not actor:
                return
            self._actors[shard] = None
            self._rest[shard] = (time.monotonic() + _REST_S, _REST_S)
        _log.warning("a new actor is unfit", shard=shard, seconds=_REST_S, error=why)

    def replace(self, shard: int, dead: Any) -> None:
        """Another in its place, on its node or, if that is gone, on any; once per death."""
        with self._lock:
            held = self._holds(shard, dead)
        if held:
            _log.warning("an actor is gone: another takes its place", shard=shard)
            self._fill(shard, dead)

    def hung(self, shard: int, actor: Any) -> None:
        """This one does not answer: nothing is asked of it for a minute, or longer each time."""
        now = time.monotonic()
        with self._lock:
            if not self._holds(shard, actor):
                return
            if now >= self._rest.get(shard, (0.0, 0.0))[0]:  # else another call has said so
                self._rest[shard] = (now + _REST_S, _REST_S)
            left = self._rest[shard][0] - now
        _log.warning(
            "an actor does not answer: it is left alone", shard=shard, seconds=round(left)
        )

    def well(self, shard: int, actor: Any) -> None:
        """This one has answered: it is asked like any other."""
        with self._lock:
            if self._holds(shard, actor):
                self._rest.pop(shard, None)

    def lost(self, epoch: int) -> None:
        """The cluster of that time cannot be reached: go on without, and look for it; once."""
        with self._lock:
            if epoch != self._epoch or not self._actors:
                return
            self._epoch += 1
            gone = [*self._actors, *self._strangers.values()]
            self._actors, self._strangers = [], {}
        _log.warning("the Ray cluster is gone: this process does all of the work meanwhile")
        again = threading.Thread(
            target=self._find_again, args=[gone], name="ray-again", daemon=True
        )
        again.start()

    def close(self) -> None:
        """Leave the cluster; its actors end with that. Idempotent."""
        self._closed.set()
        leaving = threading.Thread(target=self.ray.shutdown, name="ray-leaving", daemon=True)
        leaving.start()
        leaving.join(_LEAVE_S)  # a silent cluster would keep us for ten minutes

    def _begin(self) -> None:
        """Start the actors and have them checked. Raises StartupError."""
        nodes = [n for n in self.ray.nodes() if n["Alive"] and n["Resources"].get("CPU")]
        if not nodes:
            raise StartupError("the Ray cluster has no node with CPUs: add workers to it")
        self._homes = [
            (node["NodeID"], max(1, int(node["Resources"]["CPU"]) // self._per_node))
            for node in nodes
            for _ in range(self._per_node)
        ]
        actors = [self._spawn(shard) for shard in range(len(self._homes))]
        try:
            every = self.ray.get([actor.about.remote() for actor in actors], timeout=_START_S)
        except self.ray.exceptions.RayError as error:
            text = f"the actors on the Ray cluster do not start: {reason(error)}"
            raise StartupError(text) from error
        for about in every:
            _check(about, self._mark)
        self._actors, self._rest = actors, {}

    def _holds(self, shard: int, actor: Any) -> bool:
        return shard < len(self._actors) and self._actors[shard] is actor

    def _fill(self, shard: int, dead: Any) -> Any:
        """Have another take the place of this one, or of none; who has it then, None if nobody."""
        with self._mending:
            with self._lock:
                if not self._holds(shard, dead):
                    return self._actors[shard] if shard < len(self._actors) else None
            successor = self._spawn(shard)  # under no lock that whoever asks waits for
            with self._lock:
                if not self._holds(shard, dead):
                    return None
                _unfit = self._strangers.get(shard)  # to drop it may block: not under the lock
                self._actors[shard] = self._strangers[shard] = successor
                self._rest.pop(shard, None)
            return successor

    def _find_again(self, _gone: Sequence[Any]) -> None:
        """On a thread of its own, for to drop the actors that are gone may block, too."""
        while not self._closed.wait(_AGAIN_S):
            try:
                self.ray.shutdown()
                self.ray = self._connect()
                self._begin()
            except Exception as error:  # noqa: BLE001 whatever it is, it may pass
                _log.info("the Ray cluster is not back yet", error=reason(error))
            else:
                _log.warning("the Ray cluster is back")
                return

    def _spawn(self, shard: int) -> Any:
        node, threads = self._homes[shard]
        strategies = importlib.import_module("ray.util.scheduling_strategies")
        kind = self.ray.remote(ShardActor).options(
            num_cpus=0,
            max_concurrency=_AT_ONCE,
            scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(node, soft=True),
        )
        return kind.remote(self._open_store, threads, self._simd)


def _check(about: About, mark: str | None) -> None:
    if about.version != __version__:
        text = (
            f"the Ray cluster runs alservice {about.version}, this process {__version__}: install "
            "the same version everywhere"
        )
        raise StartupError(text)
    if about.mark != mark:
        text = (
            "a node of the Ray cluster does not see the segments of this process: share the "
            "folder under the same path, or use --objects s3://bucket/prefix with AWS_* set on "
            "the nodes"
        )
        raise StartupError(text)
