"""The sweeper: removes what nobody will ask for again, and what crashes have left behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from alservice.domain.segment import Segment
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore


@dataclass(frozen=True, slots=True)
class Swept:
    """How much was removed."""

    segments: int
    strays: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """Removes dead segments, files without a row, and expired records. Safe at any time."""

    catalog: Catalog
    store: SegmentStore

    def __call__(self) -> Swept:
        """Sweep once."""
        dead = self.catalog.transact(_expired)
        for segment in dead:
            self.store.remove(segment.segment_id)
        if dead:  # rows go last: a file without a row would look like a stray only
            self.catalog.transact(lambda tx: _forget(tx, dead))
        return Swept(len(dead), self._strays())

    def _strays(self) -> int:
        # A file is made only after its row: so one that is new since the first list of rows
        # has a row in the second.
        suspects = self.store.stray(self._known())
        if not suspects:
            return 0
        known = set(self._known())
        strays = [segment_id for segment_id in suspects if segment_id not in known]
        for segment_id in strays:
            self.store.remove(segment_id)
        return len(strays)

    def _known(self) -> Sequence[str]:
        # Not `read`: a snapshot that lagged behind would make live files look stray.
        return self.catalog.transact(lambda tx: tx.segments.all_ids())


def _expired(tx: Tx) -> Sequence[Segment]:
    now = tx.now_ms()
    tx.requests.prune(now)
    tx.uploads.prune(now)
    return tx.segments.expire(now)


def _forget(tx: Tx, dead: Sequence[Segment]) -> None:
    for segment in dead:
        tx.segments.forget(segment.segment_id)
