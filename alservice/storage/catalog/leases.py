"""The table of leases."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, delete, select

from alservice.domain.batch import Lease
from alservice.domain.errors import Conflict
from alservice.ports.tables import ItemKey
from alservice.storage.catalog.schema import leases
from alservice.storage.catalog.session import Record, Session, chunks, insert_or_skip

_TABLE: Final = leases
_FIELDS: Final = [c.name for c in leases.c if c.name != "project_id"]
_PROJECT: Final = leases.c.project_id == bindparam("project")
_SELECT: Final = select(*[leases.c[name] for name in _FIELDS]).where(_PROJECT)
_ORDER: Final = (leases.c.item_id, leases.c.incarnation, leases.c.slot)
_AMONG: Final = leases.c.item_id.in_(bindparam("ids", expanding=True))
_LIVE: Final = _SELECT.where(leases.c.expire_time_ms > bindparam("now")).order_by(*_ORDER)
_OF_ITEMS: Final = _SELECT.where(_AMONG).order_by(*_ORDER)
_RUN_OUT: Final = leases.c.expire_time_ms <= bindparam("now")
_LATE: Final = _OF_ITEMS.where(_RUN_OUT)
_RECLAIM: Final = delete(leases).where(_PROJECT, _AMONG, _RUN_OUT)
_DELETE: Final = delete(leases).where(
    _PROJECT,
    leases.c.item_id == bindparam("item"),
    leases.c.incarnation == bindparam("life"),
)
_DELETE_BATCH: Final = delete(leases).where(_PROJECT, leases.c.batch_id == bindparam("batch"))
_RELEASE: Final = _DELETE_BATCH.where(_AMONG)


class SqlLeases:
    """`LeaseTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def live(self, project_id: str, now_ms: int) -> Sequence[Lease]:
        """Leases that have not run out."""
        key = {"project": project_id, "now": now_ms}
        return [_lease(row) for row in self._session.execute(_LIVE, key)]

    def of_items(self, project_id: str, item_ids: Sequence[str]) -> Sequence[Lease]:
        """Leases on these items, run out or not."""
        return self._in(_OF_ITEMS, {"project": project_id}, item_ids)

    def insert(self, project_id: str, leases: Sequence[Lease]) -> None:
        """Add them; a taken slot is a Conflict."""
        if not leases:
            return
        records = [
            {"project_id": project_id, **{name: getattr(lease, name) for name in _FIELDS}}
            for lease in leases
        ]
        # Skipped and counted: on some databases a violated key would end the transaction.
        put = insert_or_skip(self._session.dialect, _TABLE)
        if self._session.execute(put, records).rowcount < len(records):
            text = "some of these items were handed out to another call meanwhile; retry"
            raise Conflict(text, project=project_id)

    def delete(self, project_id: str, keys: Iterable[ItemKey]) -> None:
        """Remove all leases on these items."""
        doomed = [{"project": project_id, "item": item, "life": life} for item, life in keys]
        if doomed:
            self._session.execute(_DELETE, doomed)

    def delete_batch(self, project_id: str, batch_id: str) -> None:
        """Remove the leases of a batch."""
        key = {"project": project_id, "batch": batch_id}
        self._session.execute(_DELETE_BATCH, key)

    def release(self, project_id: str, batch_id: str, item_ids: Sequence[str]) -> None:
        """Remove the leases that a batch holds on these items."""
        key = {"project": project_id, "batch": batch_id}
        for part in chunks(item_ids):
            self._session.execute(_RELEASE, {**key, "ids": part})

    def reclaim(self, project_id: str, item_ids: Sequence[str], now_ms: int) -> Sequence[Lease]:
        """Remove the run-out leases among these items; returns them."""
        key: Record = {"project": project_id, "now": now_ms}
        late = self._in(_LATE, key, item_ids)
        for part in chunks(lease.item_id for lease in late):
            self._session.execute(_RECLAIM, {**key, "ids": part})
        return late

    def _in(self, statement: Select[Any], key: Record, item_ids: Sequence[str]) -> list[Lease]:
        execute = self._session.execute
        parts = (execute(statement, {**key, "ids": part}) for part in chunks(item_ids))
        return [_lease(row) for part in parts for row in part]


def _lease(row: Row[Any]) -> Lease:
    return Lease(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
