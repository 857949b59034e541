"""The sweeper of segments, and of what is remembered for a day only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.usecases.hold_place import HoldPlace
from alservice.usecases.sweep_files import Rows, SweepFiles, Swept

PRUNED_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Sweep:
    """Removes dead segments, files without a row, and expired records. Safe at any time."""

    catalog: Catalog
    store: SegmentStore
    hold: HoldPlace

    def __call__(self) -> Swept:
        """Sweep once. Raises HousekeepingFailed."""
        # A few at a time: who waits for the writer, or for a row, waits for one part only.
        while self.catalog.transact(_prune) >= PRUNED_AT_ONCE:
            pass
        return SweepFiles(self.catalog, self.hold, self.store, SEGMENTS)()


def _prune(tx: Tx) -> int:
    now_ms = tx.now_ms()
    return max(prune(now_ms, PRUNED_AT_ONCE) for prune in (tx.requests.prune, tx.uploads.prune))


def _dead(tx: Tx) -> Sequence[str]:
    return [segment.segment_id for segment in tx.segments.expire(tx.now_ms())]


SEGMENTS: Final = Rows(
    dead=_dead,
    known=lambda tx: tx.segments.all_ids(),
    forget=lambda tx, name: tx.segments.forget(name),
)
