"""Of the copies of one catalog only one may remove files: the one whose turn the place shows.

The catalog writes down a new turn, then the place shows it. A copy, restored or cloned, does not
know the turns that came after it was made: so it sees that it is not the one, and so does whoever
loses the place to a copy that adopted it.

A turn that is shown late does no harm while the catalog remembers it, which is for a day; and one
that could not be shown within a minute is not shown at all, as far as a process can tell.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from alservice.domain.errors import HousekeepingFailed
from alservice.domain.startup import StartupError
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.places import FilePlace
from alservice.usecases.claim_place import held_by_another

LATE_S: Final = 60.0


@dataclass(slots=True)
class HoldPlace:
    """Holds the place for this catalog. For one thread; others have one of their own."""

    catalog: Catalog
    place: FilePlace
    _seen: str | None = None
    clock_s: Callable[[], float] = time.monotonic

    def __call__(self) -> None:
        """Take a new turn if nobody has since the last time; the first time only look.

        So of a cluster at work and a copy of it that starts, the first one is faster. Raises
        HousekeepingFailed where another copy holds the place, or this replica stood still on the
        way; CatalogUnavailable, OutcomeUnknown.
        """
        shown = self.require()
        if shown == self._seen:
            begun_s = self.clock_s()
            shown = self.catalog.transact(lambda tx: _turn(tx, shown))
            self._show(shown, begun_s + LATE_S)
        self._seen = shown

    def _show(self, turn: str, until_s: float) -> None:
        if self.clock_s() > until_s:
            text = (
                f"this replica stood still for more than {LATE_S:.0f} s: the turn that it took is "
                "not shown, and the next sweep begins anew"
            )
            raise HousekeepingFailed(text)
        try:
            self.place.set_holder(turn)
        except StartupError as error:
            raise HousekeepingFailed(str(error)) from error

    def require(self) -> str:
        """The turn that the place shows, "" before there is any. Raises as a call does."""
        shown = shown_by(self.place)
        # Read after the place: what the place shows, its catalog knew before.
        cluster = self.catalog.transact(lambda tx: tx.cluster.get())
        if shown and shown not in cluster.turns:
            raise HousekeepingFailed(held_by_another(cluster, self.place))
        return shown


def shown_by(place: FilePlace) -> str:
    """The turn that the place shows, "" before there is any. Raises HousekeepingFailed."""
    try:
        return place.holder() or ""
    except StartupError as error:
        raise HousekeepingFailed(str(error)) from error


def _turn(tx: Tx, shown: str) -> str:
    """A new turn; the newest one, where the place does not show that yet."""
    cluster = tx.cluster.get()
    if cluster.turns and cluster.turns[-1] != shown:
        return cluster.turns[-1]
    turn = secrets.token_hex(8)
    tx.cluster.store(replace(cluster, turns=cluster.with_turn(turn)))
    return turn
