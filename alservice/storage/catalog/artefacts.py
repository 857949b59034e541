"""The table of artefacts."""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, insert, null, or_, select, update

from alservice.domain.artefact import Artefact, ArtefactState
from alservice.storage.catalog.codec import mapping_from_json, mapping_to_json, to_json
from alservice.storage.catalog.schema import artefacts
from alservice.storage.catalog.session import Record, Session

_DEAD, _LIVE, _WRITING = (
    state.value for state in (ArtefactState.DEAD, ArtefactState.LIVE, ArtefactState.WRITING)
)
_BY_ID: Final = artefacts.c.artefact_id == bindparam("id")
_SELECT: Final = select(artefacts)
_GET: Final = _SELECT.where(_BY_ID)
_LOCK: Final = _GET.with_for_update()
_INSERT: Final = insert(artefacts)
_UPDATE: Final = update(artefacts).where(_BY_ID)
_OF_PROJECT: Final = (
    artefacts.c.project_id == bindparam("project"),
    artefacts.c.state == _LIVE,
)
_NEWEST: Final = (
    _SELECT.where(*_OF_PROJECT)
    .order_by(artefacts.c.revision.desc(), artefacts.c.create_time_ms.desc())
    .limit(1)
)
_RETIRE: Final = (
    update(artefacts).where(*_OF_PROJECT).values(state=_DEAD, expire_time_ms=bindparam("until"))
)
_EXPIRE: Final = (
    update(artefacts)
    .where(artefacts.c.state == _WRITING, artefacts.c.expire_time_ms <= bindparam("now"))
    .values(state=_DEAD)
)
_DISOWN: Final = (
    update(artefacts)
    .where(artefacts.c.state == _WRITING)
    .values(state=_DEAD, expire_time_ms=null())
)
_ALL_DEAD: Final = _SELECT.where(
    artefacts.c.state == _DEAD,
    or_(artefacts.c.expire_time_ms.is_(None), artefacts.c.expire_time_ms <= bindparam("now")),
).order_by(artefacts.c.artefact_id)
_IDS: Final = select(artefacts.c.artefact_id).order_by(artefacts.c.artefact_id)
_FORGET: Final = delete(artefacts).where(_BY_ID, artefacts.c.state == _DEAD)


class SqlArtefacts:
    """`ArtefactTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def store(self, artefact: Artefact) -> None:
        """Add the row, or replace it."""
        execute, record = self._session.execute, _record(artefact)
        if execute(_UPDATE, {"id": artefact.artefact_id, **record}).rowcount == 0:
            execute(_INSERT, record)

    def get(self, artefact_id: str) -> Artefact | None:
        """The row, whatever its state; locked, unless in a snapshot."""
        statement = _GET if self._session.reads else _LOCK
        row = self._session.execute(statement, {"id": artefact_id}).first()
        return None if row is None else _artefact(row)

    def live(self, project_id: str) -> Artefact | None:
        """The LIVE one of the greatest revision, the newest of them."""
        row = self._session.execute(_NEWEST, {"project": project_id}).first()
        return None if row is None else _artefact(row)

    def retire(self, project_id: str, until_ms: int) -> None:
        """Flip the LIVE ones to DEAD; their files may go at `until_ms`."""
        self._session.execute(_RETIRE, {"project": project_id, "until": until_ms})

    def expire(self, now_ms: int) -> Sequence[Artefact]:
        """Flip WRITING rows whose expiry has passed to DEAD; all DEAD rows that may go."""
        self._session.execute(_EXPIRE, {"now": now_ms})
        return [_artefact(row) for row in self._session.execute(_ALL_DEAD, {"now": now_ms})]

    def disown(self) -> int:
        """Flip all WRITING rows to DEAD; how many."""
        return self._session.execute(_DISOWN, {}).rowcount

    def all_ids(self) -> Sequence[str]:
        """Ids of all rows in any state."""
        return self._session.execute(_IDS, {}).scalars()

    def forget(self, artefact_id: str) -> None:
        """Delete a DEAD row."""
        self._session.execute(_FORGET, {"id": artefact_id})


def _record(artefact: Artefact) -> Record:
    return {
        "artefact_id": artefact.artefact_id,
        "project_id": artefact.project_id,
        "operation_id": artefact.operation_id,
        "state": artefact.state.value,
        "segment_ids": to_json(artefact.segment_ids),
        "facts": mapping_to_json(artefact.facts),
        "revision": artefact.revision,
        "size_bytes": artefact.size_bytes,
        "crc32c": artefact.crc32c,
        "create_time_ms": artefact.create_time_ms,
        "expire_time_ms": artefact.expire_time_ms,
    }


def _artefact(row: Row[Any]) -> Artefact:
    found: Record = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    found["state"] = ArtefactState(found["state"])
    found["segment_ids"] = tuple(json.loads(found["segment_ids"]))
    found["facts"] = mapping_from_json(found["facts"])
    return Artefact(**found)
