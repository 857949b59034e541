"""One shard: maps the segments that an order names, and walks them with a core of its own."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from alservice.core import Block, CancelFlag, Cancelled, Engine
from alservice.ports.segments import SegmentStore
from alservice.scoring.local import LocalScoring
from alservice.scoring.spread.shards import Order
from alservice.scoring.spread.tasks import Hands

_MOST_FLAGS: Final = 1024  # calls, running or cancelled before they began


class Shard:
    """Carries out orders, many at once. What it keeps are caches: a new one answers alike."""

    def __init__(self, store: SegmentStore, engine: Engine) -> None:
        self._store = store
        self._scoring = LocalScoring(engine)
        self._flags: OrderedDict[str, CancelFlag] = OrderedDict()
        self._lock = threading.Lock()

    def carry_out(self, call: str, order: Order) -> object:
        """The answer; None if the call was cancelled.

        Raises SegmentCorrupt, Overloaded, DiskFull, CacheFull, ObjectStoreUnavailable.
        """
        with self._flag_of(call) as cancel:
            try:
                return order.task(self._hands(order, cancel))
            except Cancelled:
                return None

    def cancel(self, call: str) -> None:
        """Stop a call, also one that has not begun."""
        self._flag(call).cancel()

    def _hands(self, order: Order, cancel: CancelFlag) -> Hands:
        readers = [self._store.open(piece.segment) for piece in order.pieces]
        return Hands(
            scoring=self._scoring,
            blocks=[
                Block(reader.vectors, reader.ids.hashes, piece.excluded)
                for reader, piece in zip(readers, order.pieces, strict=True)
            ],
            numbers=np.array([piece.number for piece in order.pieces], np.int64),
            costs=[piece.costs for piece in order.pieces],
            cancel=cancel,
        )

    @contextmanager
    def _flag_of(self, call: str) -> Iterator[CancelFlag]:
        try:
            yield self._flag(call)
        finally:
            with self._lock:
                self._flags.pop(call, None)

    def _flag(self, call: str) -> CancelFlag:
        with self._lock:
            flag = self._flags.setdefault(call, CancelFlag())
            while len(self._flags) > _MOST_FLAGS:
                self._flags.popitem(last=False)
        return flag
