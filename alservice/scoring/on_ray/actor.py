"""What runs on the machines of a Ray cluster: a shard, and who it is."""

from collections.abc import Callable
from dataclasses import dataclass

from alservice import __version__
from alservice.core import Engine
from alservice.ports.segments import SegmentStore
from alservice.scoring.spread.shard import Shard
from alservice.scoring.spread.shards import Order

#: Opens the place of the segments where it is called; with what the mark of the place says.
OpenStore = Callable[[], tuple[SegmentStore, str | None]]


@dataclass(frozen=True, slots=True)
class About:
    """What an actor says of itself."""

    version: str
    mark: str | None
    threads: int


class ShardActor:
    """One per node; methods run on threads, so that a call can be cancelled while it runs."""

    def __init__(self, open_store: OpenStore, threads: int, simd: str) -> None:
        store, self._mark = open_store()
        # The same instruction set as the replica's, or scores could differ in the last digits.
        engine = Engine(threads, simd)
        self._threads = engine.threads
        self._shard = Shard(store, engine)

    def about(self) -> About:
        """Who it is."""
        return About(__version__, self._mark, self._threads)

    def carry_out(self, call: str, order: Order) -> object:
        """See Shard."""
        return self._shard.carry_out(call, order)

    def cancel(self, call: str) -> None:
        """See Shard."""
        self._shard.cancel(call)
