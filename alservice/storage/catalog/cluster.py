"""The one row about the cluster itself."""

from typing import Final

from sqlalchemy import bindparam, select, update

from alservice.storage.catalog.schema import cluster
from alservice.storage.catalog.session import Session

_UID: Final = select(cluster.c.uid)
_PLACE: Final = select(cluster.c.place)
_SETTLE: Final = (
    update(cluster).where(cluster.c.place.is_(None)).values(place=bindparam("new_place"))
)


class SqlCluster:
    """`ClusterTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def uid(self) -> str:
        """The uid that the catalog got when it was made."""
        row = self._session.execute(_UID, {}).first()
        if row is None:
            raise LookupError("the catalog has no cluster: its table was emptied by hand")
        return str(row[0])

    def place(self) -> str | None:
        """The place that was settled on; None before any was."""
        row = self._session.execute(_PLACE, {}).first()
        return None if row is None or row[0] is None else str(row[0])

    def settle(self, place: str) -> str:
        """Settle on a place unless that was done before; which one it is now."""
        self._session.execute(_SETTLE, {"new_place": place})
        return self.place() or ""
