"""The sweeper of artefacts: what was superseded, given up or orphaned goes."""

from collections.abc import Sequence
from dataclasses import dataclass

from alservice.domain.artefact import Artefact
from alservice.ports.artefacts import ArtefactStore
from alservice.ports.catalog import Catalog, Tx


@dataclass(frozen=True, slots=True)
class SweepArtefacts:
    """Removes dead artefacts and files without a row. Safe at any time."""

    catalog: Catalog
    artefacts: ArtefactStore

    def __call__(self) -> int:
        """Sweep once; how many files and rows were removed."""
        dead = self.catalog.transact(lambda tx: tx.artefacts.expire(tx.now_ms()))
        for artefact in dead:
            self.artefacts.remove(artefact.artefact_id)
        if dead:  # rows go last: a file without a row would look like a stray only
            self.catalog.transact(lambda tx: _forget(tx, dead))
        return len(dead) + self._strays()

    def _strays(self) -> int:
        # A file is made only after its row: so one that is new since the first list of rows
        # has a row in the second.
        suspects = self.artefacts.stray(self._known())
        known = set(self._known()) if suspects else set()
        strays = [artefact_id for artefact_id in suspects if artefact_id not in known]
        for artefact_id in strays:
            self.artefacts.remove(artefact_id)
        return len(strays)

    def _known(self) -> Sequence[str]:
        # Not `read`: a snapshot that lagged behind would make live files look stray.
        return self.catalog.transact(lambda tx: tx.artefacts.all_ids())


def _forget(tx: Tx, dead: Sequence[Artefact]) -> None:
    for artefact in dead:
        tx.artefacts.forget(artefact.artefact_id)
