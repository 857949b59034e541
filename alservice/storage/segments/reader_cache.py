"""Open readers, shared between threads: each is made once, the least recently used go first."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from concurrent.futures import Future

from alservice.storage.segments.reader import Reader


class ReaderCache:
    """Readers by segment id, whose weights sum to `limit` at most; one may weigh more, alone.

    A reader that has been let go works on for whoever holds it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Future[Reader], int]] = OrderedDict()

    def get(self, name: str) -> Reader | None:
        """The reader, if it is ready."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is None or not kept[0].done() or kept[0].exception() is not None:
                return None
            self._kept.move_to_end(name)
            return kept[0].result()

    def get_or_make(self, name: str, weight: int, read: Callable[[], Reader]) -> Reader:
        """The reader; the first thread to ask makes it while the others wait for it.

        Raises what `read` raises.
        """
        mine = Future[Reader]()
        with self._lock:
            shared, _ = self._kept.setdefault(name, (mine, weight))
            self._kept.move_to_end(name)
            if shared is mine:
                self._weight += weight
                self._shrink()
        if shared is mine:
            self._fill(name, mine, read)
        return shared.result()

    def drop(self, name: str) -> None:
        """Let go of it; absent is fine."""
        with self._lock:
            self._remove(name)

    def keep_only(self, names: Collection[str]) -> None:
        """Let go of all others."""
        with self._lock:
            for name in [name for name in self._kept if name not in names]:
                self._remove(name)

    def drop_oldest(self) -> bool:
        """Let go of the ready reader that was used least recently; whether there was one."""
        with self._lock:
            ready = (name for name, (made, _) in self._kept.items() if made.done())
            name = next(ready, None)
            if name is not None:
                self._remove(name)
        return name is not None

    def _fill(self, name: str, mine: Future[Reader], read: Callable[[], Reader]) -> None:
        try:
            mine.set_result(read())
        except BaseException as error:  # whatever it is, the others must not wait for ever
            with self._lock:
                if name in self._kept and self._kept[name][0] is mine:  # the next call tries again
                    self._remove(name)
            mine.set_exception(error)
            raise

    def _shrink(self) -> None:
        while self._weight > self._limit and len(self._kept) > 1:
            self._remove(next(iter(self._kept)))

    def _remove(self, name: str) -> None:
        _, weight = self._kept.pop(name, (None, 0))
        self._weight -= weight
