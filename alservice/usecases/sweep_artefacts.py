"""The sweeper of artefacts: what was superseded, given up or orphaned goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alservice.ports.artefacts import ArtefactStore
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.hold_place import HoldPlace
from alservice.usecases.sweep_files import Rows, SweepFiles, Swept


@dataclass(frozen=True, slots=True)
class SweepArtefacts:
    """Removes dead artefacts and files without a row. Safe at any time."""

    catalog: Catalog
    artefacts: ArtefactStore
    hold: HoldPlace

    def __call__(self) -> Swept:
        """Sweep once. Raises HousekeepingFailed."""
        return SweepFiles(self.catalog, self.hold, self.artefacts, ARTEFACTS)()


def _dead(tx: Tx) -> Sequence[str]:
    return [artefact.artefact_id for artefact in tx.artefacts.expire(tx.now_ms())]


ARTEFACTS: Final = Rows(
    dead=_dead,
    known=lambda tx: tx.artefacts.all_ids(),
    forget=lambda tx, name: tx.artefacts.forget(name),
)
