"""The one row about the cluster itself."""

from typing import Final

from sqlalchemy import select

from alservice.storage.catalog.schema import cluster
from alservice.storage.catalog.session import Session

_UID: Final = select(cluster.c.uid)


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
