"""The one row about the cluster itself."""

from typing import Any, Final

from sqlalchemy import Row, Select, column, func, select, table, update

from alservice.domain.cluster import Cluster
from alservice.storage.catalog.schema import cluster
from alservice.storage.catalog.session import Session

_GET: Final = select(cluster)
_LOCK: Final = _GET.with_for_update()
_UPDATE: Final = update(cluster)
# A copy by pg_dump or from a template has another number, and so has one on another server. A
# standby, and a copy of the whole disk, have the same.
_MAY_ASK: Final = select(func.has_function_privilege("pg_control_system()", "EXECUTE"))
_SERVER: Final[Select[Any]] = select(column("system_identifier")).select_from(
    func.pg_control_system()
)
_DATABASE: Final[Select[Any]] = (
    select(column("oid"))
    .select_from(table("pg_database"))
    .where(column("datname") == func.current_database())
)


class SqlCluster:
    """`ClusterTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self) -> Cluster:
        """The row; locked, unless in a snapshot."""
        row = self._session.execute(_GET if self._session.reads else _LOCK, {}).first()
        if row is None:
            raise LookupError("the catalog has no cluster: its table was emptied by hand")
        return _cluster(row)

    def store(self, changed: Cluster) -> None:
        """Replace all but the uid."""
        values = {
            "place": changed.place or None,
            "turns": " ".join(changed.turns),
            "home": changed.database,
            "address": changed.address,
        }
        self._session.execute(_UPDATE, values)

    def database(self) -> str:
        """What tells this database from others; "" where nothing does."""
        ask = self._session.execute
        if self._session.dialect != "postgresql" or not ask(_MAY_ASK, {}).scalar():
            return ""
        return f"{ask(_SERVER, {}).scalar()}.{ask(_DATABASE, {}).scalar()}"


def _cluster(row: Row[tuple[str, str | None, str, str, str]]) -> Cluster:
    return Cluster(
        uid=row.uid,
        place=row.place or "",
        turns=tuple(row.turns.split()),
        database=row.home,
        address=row.address,
    )
