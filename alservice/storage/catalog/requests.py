"""The table of request records."""

from typing import Final

from sqlalchemy import bindparam, delete, select, tuple_

from alservice.domain.errors import Conflict
from alservice.ports.tables import RequestKey, RequestRecord
from alservice.storage.catalog.schema import requests
from alservice.storage.catalog.session import Session, insert_or_skip

_KEY: Final = (
    requests.c.project_id == bindparam("project"),
    requests.c.principal == bindparam("who"),
    requests.c.method == bindparam("call"),
    requests.c.request_id == bindparam("id"),
)
_EXPIRED: Final = requests.c.expire_time_ms <= bindparam("now")
_GET: Final = select(
    requests.c.fingerprint, requests.c.result_json, requests.c.expire_time_ms
).where(*_KEY, requests.c.expire_time_ms > bindparam("now"))
_DELETE_EXPIRED: Final = delete(requests).where(*_KEY, _EXPIRED)
_NAMES: Final = tuple_(*requests.primary_key)
_PRUNE: Final = delete(requests).where(
    _NAMES.in_(
        select(*requests.primary_key)
        .where(_EXPIRED)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)


class SqlRequests:
    """`RequestTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, key: RequestKey, now_ms: int) -> RequestRecord | None:
        """The record, unless it has expired."""
        row = self._session.execute(_GET, _key(key, now_ms)).first()
        return None if row is None else RequestRecord(**row._mapping)  # noqa: SLF001 - public

    def put(self, key: RequestKey, record: RequestRecord) -> None:
        """Insert, or replace an expired one. Raises Conflict over one that still counts."""
        execute = self._session.execute
        row = {column: getattr(key, column) for column in key.__slots__}
        row |= {column: getattr(record, column) for column in record.__slots__}
        statement = insert_or_skip(self._session.dialect, requests)
        if execute(statement, row).rowcount == 1:
            return
        execute(_DELETE_EXPIRED, _key(key, self._session.now_ms))
        if execute(statement, row).rowcount == 0:
            text = "the same request is being served by another call; retry"
            raise Conflict(text, request_id=key.request_id)

    def prune(self, now_ms: int, most: int) -> int:
        """Delete up to `most` expired records; how many."""
        return self._session.execute(_PRUNE, {"now": now_ms, "most": most}).rowcount


def _key(key: RequestKey, now_ms: int) -> dict[str, str | int]:
    return {
        "project": key.project_id,
        "who": key.principal,
        "call": key.method,
        "id": key.request_id,
        "now": now_ms,
    }
