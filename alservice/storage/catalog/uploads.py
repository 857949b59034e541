"""The table of resumable uploads."""

from typing import Final

from sqlalchemy import bindparam, delete, select, tuple_

from alservice.domain.segment import Upload
from alservice.storage.catalog.schema import uploads
from alservice.storage.catalog.session import Session, upsert

_GET: Final = select(uploads).where(
    uploads.c.project_id == bindparam("project"), uploads.c.upload_id == bindparam("id")
)
_PRUNE: Final = delete(uploads).where(
    tuple_(*uploads.primary_key).in_(
        select(*uploads.primary_key)
        .where(uploads.c.expire_time_ms <= bindparam("now"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)


class SqlUploads:
    """`UploadTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, project_id: str, upload_id: str) -> Upload | None:
        """The upload."""
        key = {"project": project_id, "id": upload_id}
        row = self._session.execute(_GET, key).first()
        return None if row is None else Upload(**row._mapping)  # noqa: SLF001 - a public name

    def put(self, upload: Upload) -> None:
        """Insert or replace."""
        record = {column.name: getattr(upload, column.name) for column in uploads.c}
        record["on_conflict"] = int(upload.on_conflict)
        self._session.execute(upsert(self._session.dialect, uploads), record)

    def prune(self, now_ms: int, most: int) -> int:
        """Delete up to `most` of those that have expired; how many."""
        return self._session.execute(_PRUNE, {"now": now_ms, "most": most}).rowcount
