"""The sweeper of segments, and of what is remembered for a day only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.usecases.hold_place import HoldPlace
from alservice.usecases.sweep_files import Rows, SweepFiles, Swept


@dataclass(frozen=True, slots=True)
class Sweep:
    """Removes dead segments, files without a row, and expired records. Safe at any time."""

    catalog: Catalog
    store: SegmentStore
    hold: HoldPlace

    def __call__(self) -> Swept:
        """Sweep once. Raises HousekeepingFailed."""
        self.catalog.transact(_prune)
        return SweepFiles(self.catalog, self.hold, self.store, SEGMENTS)()


def _prune(tx: Tx) -> None:
    tx.requests.prune(tx.now_ms())
    tx.uploads.prune(tx.now_ms())


def _dead(tx: Tx) -> Sequence[str]:
    return [segment.segment_id for segment in tx.segments.expire(tx.now_ms())]


SEGMENTS: Final = Rows(
    dead=_dead,
    known=lambda tx: tx.segments.all_ids(),
    forget=lambda tx, name: tx.segments.forget(name),
)
