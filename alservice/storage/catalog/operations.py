"""The table of operations: claims, leases and fencing."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    Double,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.storage.catalog.codec import mapping_from_json, mapping_to_json
from alservice.storage.catalog.schema import operations
from alservice.storage.catalog.session import Record, Session

_START: Final = (2**63 - 1, "")  # a place before every operation
_QUEUED, _RUNNING = OperationState.QUEUED.value, OperationState.RUNNING.value
_UNFINISHED: Final = operations.c.state.in_([_QUEUED, _RUNNING])
_KEY: Final = (
    operations.c.project_id == bindparam("project"),
    operations.c.operation_id == bindparam("id"),
)
_SELECT: Final = select(operations)
_GET: Final = _SELECT.where(*_KEY)
_INSERT: Final = insert(operations)
_PLACE: Final = select(operations.c.create_time_ms, operations.c.operation_id).where(*_KEY)
_PAGE: Final = (
    _SELECT.where(
        operations.c.project_id == bindparam("project"),
        operations.c.kind != OperationKind.MERGE.value,
        tuple_(operations.c.create_time_ms, operations.c.operation_id)
        < tuple_(bindparam("time"), bindparam("id")),
    )
    .order_by(operations.c.create_time_ms.desc(), operations.c.operation_id.desc())
    .limit(bindparam("limit"))
)
_OLDEST: Final = (operations.c.create_time_ms, operations.c.operation_id)
_OPEN: Final = _SELECT.where(
    operations.c.project_id == bindparam("project"),
    operations.c.kind == bindparam("what"),
    _UNFINISHED,
).order_by(*_OLDEST)
_FREE: Final = or_(
    operations.c.state == _QUEUED,
    and_(operations.c.state == _RUNNING, operations.c.lease_until_ms <= bindparam("now")),
)
# Two claimers on a database with row locks take two different ones.
_NEXT: Final = (
    _SELECT.where(_FREE, operations.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(*_OLDEST)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_CLAIM: Final = (
    update(operations)
    .where(*_KEY)
    .values(
        state=_RUNNING,
        owner=bindparam("who"),
        lease_until_ms=bindparam("until"),
        attempt=operations.c.attempt + 1,
        lapses=operations.c.lapses + case((operations.c.owner != "", 1), else_=0),
    )
    .returning(*operations.c)
)
_DISOWN: Final = (
    update(operations)
    .where(operations.c.state == _RUNNING, operations.c.lease_until_ms > bindparam("now"))
    .values(lease_until_ms=bindparam("now"))
)
_MINE: Final = (
    *_KEY,
    operations.c.state == _RUNNING,
    operations.c.attempt == bindparam("current"),
)
# Further than any attempt before: what it died of, if of anything, it has got over.
_SHARE: Final = bindparam("done_share", type_=Double)
_FURTHER: Final = operations.c.progress < _SHARE
_HEARTBEAT: Final = (
    update(operations)
    .where(*_MINE)
    .values(
        lease_until_ms=bindparam("until"),
        progress=case((_FURTHER, _SHARE), else_=operations.c.progress),
        lapses=case((_FURTHER, 0), else_=operations.c.lapses),
        stage=bindparam("now_doing"),
    )
    .returning(*operations.c)
)
_GIVE_BACK: Final = (
    update(operations).where(*_MINE).values(lease_until_ms=bindparam("until"), owner="")
)
# A queued one can be finished too: by who cancels it before anybody has begun.
_FINISH: Final = update(operations).where(
    *_KEY, _UNFINISHED, operations.c.attempt == bindparam("current")
)
_CANCEL: Final = (
    update(operations)
    .where(*_KEY, _UNFINISHED)
    .values(
        cancel_requested=True,
        # Who has given it back until later need not be waited for.
        lease_until_ms=case((operations.c.owner == "", 0), else_=operations.c.lease_until_ms),
    )
)
_DELETE: Final = delete(operations).where(*_KEY, ~_UNFINISHED)


class SqlOperations:
    """`OperationTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def insert(self, operation: Operation) -> None:
        """Add it, QUEUED."""
        self._session.execute(_INSERT, _record(operation))

    def get(self, project_id: str, operation_id: str) -> Operation | None:
        """The operation."""
        return self._first(_GET, _key(project_id, operation_id))

    def page(self, project_id: str, before: str, limit: int) -> Sequence[Operation]:
        """Newest first, housekeeping left out; `before` is an operation id seen last.

        If that one was deleted meanwhile, the pages begin again: nothing is missed.
        """
        execute = self._session.execute
        seen = execute(_PLACE, _key(project_id, before)).first() if before else None
        time_ms, operation_id = _START if seen is None else seen
        key = {**_key(project_id, operation_id), "time": time_ms, "limit": limit}
        return [_operation(row) for row in execute(_PAGE, key)]

    def unfinished(self, project_id: str, kind: OperationKind) -> Sequence[Operation]:
        """Those that are QUEUED or RUNNING, oldest first."""
        key = {"project": project_id, "what": kind.value}
        return [_operation(row) for row in self._session.execute(_OPEN, key)]

    def claim(
        self,
        owner: str,
        now_ms: int,
        lease_ms: int,
        kinds: Collection[OperationKind] = tuple(OperationKind),
    ) -> Operation | None:
        """Take the oldest QUEUED one of these kinds, or a RUNNING one whose lease has run out."""
        free = self._first(_NEXT, {"now": now_ms, "kinds": [kind.value for kind in kinds]})
        if free is None:
            return None
        key = _key(free.project_id, free.operation_id)
        lease = {"who": owner, "until": now_ms + lease_ms}
        return _operation(self._session.execute(_CLAIM, {**key, **lease}).one())

    def disown(self, now_ms: int) -> int:
        """End the lease of every RUNNING operation; how many."""
        return self._session.execute(_DISOWN, {"now": now_ms}).rowcount

    def heartbeat(
        self, operation: Operation, now_ms: int, lease_ms: int, progress: float, stage: str
    ) -> Operation | None:
        """Extend the lease and report; the row, or None if another attempt is current."""
        report: Record = {
            **_key(operation.project_id, operation.operation_id),
            "current": operation.attempt,
            "until": now_ms + lease_ms,
            "done_share": progress,
            "now_doing": stage,
        }
        row = self._session.execute(_HEARTBEAT, report).first()
        return None if row is None else _operation(row)

    def give_back(self, operation: Operation, until_ms: int) -> bool:
        """End ownership, and the lease at `until_ms`; False if another attempt is current."""
        key = _key(operation.project_id, operation.operation_id)
        left: Record = {**key, "current": operation.attempt, "until": until_ms}
        return self._session.execute(_GIVE_BACK, left).rowcount == 1

    def finish(self, operation: Operation, attempt: int) -> bool:
        """Replace the row with a done one; False (and no change) if `attempt` is not current."""
        record = {**_record(operation), "attempt": attempt}
        if not operation.cancel_requested:
            # A request to cancel that came meanwhile stays in the record.
            del record["cancel_requested"]
        key = {**_key(operation.project_id, operation.operation_id), "current": attempt}
        return self._session.execute(_FINISH, {**key, **record}).rowcount == 1

    def request_cancel(self, project_id: str, operation_id: str) -> None:
        """Ask for cancellation, which nobody's pause delays; nothing if it is done."""
        self._session.execute(_CANCEL, _key(project_id, operation_id))

    def delete(self, project_id: str, operation_id: str) -> None:
        """Forget a done operation; nothing if it is not done."""
        self._session.execute(_DELETE, _key(project_id, operation_id))

    def _first(self, statement: Select[Any], key: Record) -> Operation | None:
        row = self._session.execute(statement, key).first()
        return None if row is None else _operation(row)


def _key(project_id: str, operation_id: str) -> Record:
    return {"project": project_id, "id": operation_id}


def _record(operation: Operation) -> Record:
    record = {column.name: getattr(operation, column.name) for column in operations.c}
    record["kind"] = operation.kind.value
    record["state"] = operation.state.value
    record["request"] = mapping_to_json(operation.request)
    record["result"] = mapping_to_json(operation.result)
    return record


def _operation(row: Row[Any]) -> Operation:
    found: Record = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    found["kind"] = OperationKind(found["kind"])
    found["state"] = OperationState(found["state"])
    found["request"] = mapping_from_json(found["request"])
    found["result"] = mapping_from_json(found["result"])
    return Operation(**found)
