"""Shards of this process, one after the other, that count their rows and processor time.

What a cluster's machines would do: at once on fewer cores the time on the clock would say nothing.
"""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from alservice.core import CancelFlag, Cancelled, Engine
from alservice.scoring.on_ray import OpenStore
from alservice.scoring.spread import Order, Shard


class CountedShards:
    """So many shards, one thread each; an order is carried out when it is given."""

    def __init__(self, open_store: OpenStore, count: int) -> None:
        self._shards = [Shard(open_store()[0], Engine(1)) for _ in range(count)]
        self._answers: dict[int, object] = {}
        self.rows_walked = [0] * count
        self.cpu_s = [0.0] * count

    @property
    def count(self) -> int:
        """How many."""
        return len(self._shards)

    def start(self, orders: Mapping[int, Order]) -> Self:
        """Carry out orders, by shard."""
        self._answers = {}
        for shard, order in orders.items():
            self.rows_walked[shard] += sum(piece.segment.rows for piece in order.pieces)
            begin = time.process_time()  # of all threads, and nothing else runs here
            self._answers[shard] = self._shards[shard].carry_out("call", order)
            self.cpu_s[shard] += time.process_time() - begin
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing runs any more."""

    def wait(self, cancel: CancelFlag) -> Mapping[int, object]:
        """The answers by shard. Raises Cancelled."""
        if cancel.cancelled:
            raise Cancelled
        return self._answers
