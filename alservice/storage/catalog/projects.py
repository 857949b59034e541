"""The table of projects."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, null, select, update

from alservice.domain.artefact import ArtefactState
from alservice.domain.project import Project
from alservice.domain.segment import SegmentState
from alservice.storage.catalog import schema
from alservice.storage.catalog.codec import (
    decode_policy,
    decode_schema,
    decode_space,
    decode_unseen,
    encode_policy,
    encode_schema,
    encode_space,
    encode_unseen,
)
from alservice.storage.catalog.schema import artefacts, projects, segment_bytes, segments
from alservice.storage.catalog.session import Record, Session, insert_or_skip

_COLUMNS: Final = [c for c in projects.c if c.name != "last_label_seq"]
_GET: Final = select(*_COLUMNS).where(projects.c.project_id == bindparam("id"))
# SQLite has no row locks and needs none: its one writer is the lock. SQLAlchemy leaves it out.
_LOCK: Final = _GET.with_for_update()
_UPDATE: Final = update(projects).where(projects.c.project_id == bindparam("id"))
_PAGE: Final = (
    select(*_COLUMNS)
    .where(projects.c.project_id > bindparam("after"))
    .order_by(projects.c.project_id)
    .limit(bindparam("limit"))
)
_SEGMENTS: Final = select(segments.c.segment_id).where(
    segments.c.project_id == bindparam("id"), segments.c.state != SegmentState.DEAD.value
)
_KILL: Final = [
    update(table)
    .where(table.c.project_id == bindparam("id"))
    .values(state=state, expire_time_ms=null())
    for table, state in (
        (segments, SegmentState.DEAD.value),
        (artefacts, ArtefactState.DEAD.value),
    )
]
_DROP_BYTES: Final = delete(segment_bytes).where(
    segment_bytes.c.segment_id.in_(
        select(segments.c.segment_id).where(segments.c.project_id == bindparam("id"))
    )
)
_OWNED: Final = [
    table
    for table in schema.metadata.sorted_tables
    if "project_id" in table.c and table not in (segments, artefacts)
]
_DELETE: Final = [delete(table).where(table.c.project_id == bindparam("id")) for table in _OWNED]


class SqlProjects:
    """`ProjectTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def insert(self, project: Project) -> bool:
        """Add it; False if the id is taken."""
        statement = insert_or_skip(self._session.dialect, projects)
        return self._session.execute(statement, _record(project)).rowcount == 1

    def get(self, project_id: str) -> Project | None:
        """The project."""
        row = self._session.execute(_GET, {"id": project_id}).first()
        return None if row is None else _project(row)

    def lock(self, project_id: str) -> Project | None:
        """The project, locked until the end of the transaction."""
        row = self._session.execute(_LOCK, {"id": project_id}).first()
        return None if row is None else _project(row)

    def update(self, project: Project) -> None:
        """Replace the row."""
        self._session.execute(_UPDATE, {"id": project.project_id, **_record(project)})

    def delete(self, project_id: str) -> Sequence[str]:
        """Delete it; its segments (without inline bytes) and artefacts wait for the sweeper."""
        execute, key = self._session.execute, {"id": project_id}
        killed = execute(_SEGMENTS, key).scalars()
        for statement in (*_KILL, _DROP_BYTES, *_DELETE):
            execute(statement, key)
        return killed

    def page(self, after: str, limit: int) -> Sequence[Project]:
        """Projects with id > after, by id."""
        rows = self._session.execute(_PAGE, {"after": after, "limit": limit})
        return [_project(row) for row in rows]


def _record(project: Project) -> Record:
    return {
        "project_id": project.project_id,
        "uid": project.uid,
        "display_name": project.display_name,
        "schema": encode_schema(project.schema),
        "space": encode_space(project.space),
        "policy": encode_policy(project.policy),
        "salt": project.salt,
        "revision": project.revision,
        "generation": project.generation,
        "labels_revision": project.labels_revision,
        "next_incarnation": project.next_incarnation,
        "item_count": project.item_count,
        "settled_count": project.settled_count,
        "audit_asked": project.audit_asked,
        "queried_asked": project.queried_asked,
        "active_model_id": project.active_model_id,
        "create_time_ms": project.create_time_ms,
        "unseen": encode_unseen(project.unseen),
    }


def _project(row: Row[Any]) -> Project:
    found: Record = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    found["schema"] = decode_schema(found["schema"])
    found["space"] = decode_space(found["space"])
    found["policy"] = decode_policy(found["policy"])
    found["unseen"] = decode_unseen(found["unseen"])
    return Project(**found)
