"""The table of segments, and the bytes of inline ones beside it."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, delete, func, insert, null, or_, select, update

from alservice.domain.segment import Segment, SegmentState
from alservice.storage.catalog.schema import segment_bytes, segments
from alservice.storage.catalog.session import Record, Session, upsert

_STATES: Final = {state.value: state for state in SegmentState}
_DEAD, _LIVE, _WRITING = (
    state.value for state in (SegmentState.DEAD, SegmentState.LIVE, SegmentState.WRITING)
)
_COLUMNS: Final = [c for c in segments.c if c.name != "number"]
_BY_ID: Final = segments.c.segment_id == bindparam("id")
_SELECT: Final = select(*_COLUMNS)
_GET: Final = _SELECT.where(_BY_ID)
_LOCK: Final = _GET.with_for_update()
_INSERT: Final = insert(segments)
_UPDATE: Final = update(segments).where(_BY_ID)
_BYTES: Final = select(segment_bytes.c.data).where(segment_bytes.c.segment_id == bindparam("id"))
_DROP_BYTES: Final = delete(segment_bytes).where(segment_bytes.c.segment_id == bindparam("id"))
_ALL_LIVE: Final = (
    _SELECT.where(segments.c.project_id == bindparam("project"), segments.c.state == _LIVE)
).order_by(segments.c.revision, segments.c.segment_id)
_POOL_VERSION: Final = select(func.coalesce(func.max(segments.c.revision), 0), func.count()).where(
    segments.c.project_id == bindparam("project"), segments.c.state == _LIVE
)
_WAITING: Final = (
    segments.c.project_id == bindparam("project"),
    segments.c.state == _WRITING,
    segments.c.upload_id == bindparam("upload"),
)
_OF_UPLOAD: Final = _SELECT.where(*_WAITING).order_by(segments.c.number)
_EXTEND: Final = (
    update(segments)
    .where(*_WAITING, segments.c.rows > 0)
    .values(expire_time_ms=bindparam("until"))
)
_LOCK_OF_UPLOAD: Final = _OF_UPLOAD.with_for_update()
_DELETIONS: Final = (
    update(segments)
    .where(_BY_ID)
    .values(
        deletions=bindparam("bitmap"),
        live_rows=bindparam("live"),
        revision=bindparam("at"),
        deletions_version=segments.c.deletions_version + 1,
    )
)
_EXPIRE: Final = (
    update(segments)
    .where(segments.c.state == _WRITING, segments.c.expire_time_ms <= bindparam("now"))
    .values(state=_DEAD)
)
_DISOWN: Final = (
    update(segments)
    .where(segments.c.state == _WRITING, segments.c.rows == 0)
    .values(state=_DEAD, expire_time_ms=null())
)
_ALL_DEAD: Final = _SELECT.where(
    segments.c.state == _DEAD,
    or_(segments.c.expire_time_ms.is_(None), segments.c.expire_time_ms <= bindparam("now")),
).order_by(segments.c.number)
_IDS: Final = select(segments.c.segment_id).order_by(segments.c.segment_id)
_FORGET: Final = delete(segments).where(_BY_ID, segments.c.state == _DEAD)


class SqlSegments:
    """`SegmentTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def reserve(self, segment: Segment) -> None:
        """Add a row in state WRITING with an expiry."""
        self._session.execute(_INSERT, _record(segment))

    def store(self, segment: Segment, inline: bytes | None) -> None:
        """Replace the row, or add it; `inline` None keeps the bytes that are there."""
        execute, record = self._session.execute, _record(segment)
        if execute(_UPDATE, {"id": segment.segment_id, **record}).rowcount == 0:
            execute(_INSERT, record)
        if inline is not None:
            put = upsert(self._session.dialect, segment_bytes)
            execute(put, {"segment_id": segment.segment_id, "data": inline})

    def get(self, segment_id: str) -> Segment | None:
        """The row, whatever its state; locked, unless in a snapshot."""
        statement = _GET if self._session.reads else _LOCK
        row = self._session.execute(statement, {"id": segment_id}).first()
        return None if row is None else _segment(row)

    def inline_bytes(self, segment_id: str) -> bytes | None:
        """The bytes of an inline segment; None if the row or its bytes are gone."""
        found: bytes | None = self._session.execute(_BYTES, {"id": segment_id}).scalar()
        return found

    def live(self, project_id: str) -> Sequence[Segment]:
        """LIVE segments, in the order of (revision, segment_id)."""
        return self._list(_ALL_LIVE, {"project": project_id})

    def pool_version(self, project_id: str) -> tuple[int, int]:
        """(greatest revision, number) of the LIVE segments; (0, 0) where there is none."""
        key = {"project": project_id}
        revision, count = self._session.execute(_POOL_VERSION, key).one()
        return revision, count

    def of_upload(self, project_id: str, upload_id: str) -> Sequence[Segment]:
        """WRITING segments of an upload as they were reserved; locked, unless in a snapshot."""
        statement = _OF_UPLOAD if self._session.reads else _LOCK_OF_UPLOAD
        return self._list(statement, {"project": project_id, "upload": upload_id})

    def extend_upload(self, project_id: str, upload_id: str, expire_time_ms: int) -> None:
        """Let the WRITING segments of an upload that have items expire then."""
        key = {"project": project_id, "upload": upload_id}
        self._session.execute(_EXTEND, {**key, "until": expire_time_ms})

    def set_deletions(
        self, segment_id: str, deletions: bytes, live_rows: int, revision: int
    ) -> None:
        """Replace the bitmap; the version grows by one."""
        change = {"id": segment_id, "bitmap": deletions, "live": live_rows, "at": revision}
        self._session.execute(_DELETIONS, change)

    def expire(self, now_ms: int) -> Sequence[Segment]:
        """Flip WRITING rows whose expiry has passed to DEAD; all DEAD rows that may go."""
        self._session.execute(_EXPIRE, {"now": now_ms})
        return self._list(_ALL_DEAD, {"now": now_ms})

    def disown(self) -> int:
        """Flip WRITING rows without items to DEAD; how many."""
        return self._session.execute(_DISOWN, {}).rowcount

    def all_ids(self) -> Sequence[str]:
        """Ids of all rows in any state."""
        return self._session.execute(_IDS, {}).scalars()

    def forget(self, segment_id: str) -> None:
        """Delete a DEAD row with its bytes."""
        execute, key = self._session.execute, {"id": segment_id}
        if execute(_FORGET, key).rowcount:
            execute(_DROP_BYTES, key)

    def _list(self, statement: Select[Any], parameters: Record) -> list[Segment]:
        rows = self._session.execute(statement, parameters)
        return [_segment(row) for row in rows]


def _record(segment: Segment) -> Record:
    return {
        "segment_id": segment.segment_id,
        "project_id": segment.project_id,
        "space_id": segment.space_id,
        "state": segment.state.value,
        "rows": segment.rows,
        "live_rows": segment.live_rows,
        "size_bytes": segment.size_bytes,
        "crc32c": segment.crc32c,
        "inline": segment.inline,
        "deletions": segment.deletions,
        "deletions_version": segment.deletions_version,
        "expire_time_ms": segment.expire_time_ms,
        "upload_id": segment.upload_id,
        "revision": segment.revision,
    }


def _segment(row: Row[Any]) -> Segment:
    found: Record = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    found["state"] = _STATES[found["state"]]
    return Segment(**found)
