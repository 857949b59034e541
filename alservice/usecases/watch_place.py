"""A process whose place another copy of its catalog works on ends: it would acknowledge in vain.

Whoever sweeps sees that too, and removes nothing (`HoldPlace`); but those that answer would go on
with labels and items of which the other copy will never know, and with segments that it may
remove. Begun anew, they are refused with the same words.

That the other one is at work shows in its turns, of which there is a new one each minute. A turn
that stays is that of a copy which does not run, or one that this catalog has forgotten, as after
a failover that lost what was committed: then whoever answers goes on. But a primary that was
failed over and still takes writes is such a copy at work, if any worker is left at it: turns
alone do not tell which of the two is meant to live. So it is fenced before (docs/operations.md).
"""

from collections.abc import Callable
from dataclasses import dataclass

from alservice.domain.errors import HousekeepingFailed
from alservice.ports.catalog import Catalog
from alservice.ports.places import FilePlace
from alservice.usecases.claim_place import held_by_another
from alservice.usecases.hold_place import shown_by


@dataclass(slots=True)
class WatchPlace:
    """For one thread, now and then; `leave` is called where another copy is at work."""

    catalog: Catalog
    place: FilePlace
    leave: Callable[[], object]
    _strange: str = ""  # the turn that was seen last, if the catalog does not know it

    def __call__(self) -> None:
        """Look, and leave once a turn that the catalog does not know is followed by another one.

        Raises HousekeepingFailed where another copy holds the place, and where the place cannot
        be read, which says nothing of who holds it; CatalogUnavailable.
        """
        shown = shown_by(self.place)
        # Read after the place: what the place shows, its catalog knew before.
        cluster = self.catalog.read(lambda tx: tx.cluster.get())
        if not shown or shown in cluster.turns:
            self._strange = ""
            return
        if self._strange not in ("", shown):
            self.leave()
        self._strange = shown
        raise HousekeepingFailed(held_by_another(cluster, self.place))
