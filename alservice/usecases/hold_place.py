"""Of the copies of one catalog only one may remove files: the one whose turn the place shows.

The catalog writes down a new turn, then the place shows it. A copy, restored or cloned, does not
know the turns that came after it was made: so it sees that it is not the one, and so does whoever
loses the place to a copy that adopted it.
"""

import secrets
from dataclasses import dataclass, replace

from alservice.domain.errors import HousekeepingFailed
from alservice.domain.startup import StartupError
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.places import FilePlace
from alservice.usecases.claim_place import held_by_another


@dataclass(slots=True)
class HoldPlace:
    """Holds the place for this catalog. For one thread; others have one of their own."""

    catalog: Catalog
    place: FilePlace
    _seen: str | None = None

    def __call__(self) -> None:
        """Take a new turn if nobody has since the last time; the first time only look.

        So of a cluster at work and a copy of it that starts, the first one is faster. Raises
        HousekeepingFailed where another copy holds the place, CatalogUnavailable, OutcomeUnknown.
        """
        shown = self.require()
        if shown == self._seen:
            shown = self.catalog.transact(lambda tx: _turn(tx, shown))
            try:
                self.place.set_holder(shown)
            except StartupError as error:
                raise HousekeepingFailed(str(error)) from error
        self._seen = shown

    def require(self) -> str:
        """The turn that the place shows, "" before there is any. Raises as a call does."""
        try:
            shown = self.place.holder() or ""
        except StartupError as error:
            raise HousekeepingFailed(str(error)) from error
        # Read after the place: what the place shows, its catalog knew before.
        known = self.catalog.transact(lambda tx: tx.cluster.get().turns)
        if shown and shown not in known:
            raise HousekeepingFailed(held_by_another(self.place))
        return shown


def _turn(tx: Tx, shown: str) -> str:
    """A new turn; the newest one, where the place does not show that yet."""
    cluster = tx.cluster.get()
    if cluster.turns and cluster.turns[-1] != shown:
        return cluster.turns[-1]
    turn = secrets.token_hex(8)
    tx.cluster.store(replace(cluster, turns=cluster.with_turn(turn)))
    return turn
