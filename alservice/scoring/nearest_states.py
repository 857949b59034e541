"""What is known of each row's distance to its nearest label, kept from round to round.

Derived, and keyed by what it was derived from: the segments and the labels. Whoever finds nothing
that fits, or finds it in use, does without and gets the same answer.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from alservice.core import NearestState
from alservice.ports.scoring import Pass

_MOST: Final = 4


@dataclass(slots=True)
class _Kept:
    state: NearestState
    known: set[tuple[int, int]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


class NearestStates:
    """The states of the pools that were used last."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    @contextmanager
    def state_of(self, ask: Pass) -> Iterator[NearestState | None]:
        """The state, brought up to the labels of `ask`; None where there can be none now."""
        kept = self._find(ask)
        if kept is None or not kept.lock.acquire(blocking=False):
            yield None
            return
        try:
            yield self._advanced(kept, ask)
        finally:
            kept.lock.release()

    def _find(self, ask: Pass) -> _Kept | None:
        if not ask.pool_key or not ask.blocks or not ask.anchors.shape[1]:
            return None
        with self._lock:
            kept = self._kept.pop(ask.pool_key, None) or _Kept(NearestState(ask.anchors.shape[1]))
            self._kept[ask.pool_key] = kept
            while len(self._kept) > _MOST:
                self._kept.pop(next(iter(self._kept)))
        return kept

    def _advanced(self, kept: _Kept, ask: Pass) -> NearestState | None:
        labelled = list(zip(ask.labelled[0].tolist(), ask.labelled[1].tolist(), strict=True))
        if not kept.known <= set(labelled):  # a label was taken back, or the snapshot is older
            kept.state, kept.known = NearestState(ask.anchors.shape[1]), set()
        new = [place for place, row in enumerate(labelled) if row not in kept.known]
        kept.state.advance(np.ascontiguousarray(ask.anchors[new]))
        kept.known.update(labelled)
        return kept.state
