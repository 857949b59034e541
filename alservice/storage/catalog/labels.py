"""The tables of labels: the append-only log, and the settled labels derived from it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, and_, bindparam, delete, func, insert, select, update

from alservice.domain.label import LabelRow, Outcome, Provenance, Settled
from alservice.ports.tables import ItemKey
from alservice.storage.catalog.schema import labels, projects, settled
from alservice.storage.catalog.session import Session, chunks, upsert

_OUTCOMES: Final = {outcome.value: outcome for outcome in Outcome}
_PROVENANCES: Final = {provenance.value: provenance for provenance in Provenance}
_AUDIT: Final = Provenance.AUDIT.value

_NUMBER: Final = (
    update(projects)
    .where(projects.c.project_id == bindparam("project"))
    .values(last_label_seq=projects.c.last_label_seq + bindparam("more"))
    .returning(projects.c.last_label_seq)
)
_APPEND: Final = insert(labels)
_BELIEVED: Final = and_(
    settled.c.project_id == labels.c.project_id,
    settled.c.item_id == labels.c.item_id,
    settled.c.incarnation == labels.c.incarnation,
    settled.c.label_seq == labels.c.seq,
)
_COLUMNS: Final = [c for c in labels.c if c.name != "project_id"]
_LINES: Final = select(*_COLUMNS, settled.c.label_seq.is_not(None).label("settled")).where(
    labels.c.project_id == bindparam("project")
)
_OF_ITEMS: Final = _LINES.select_from(labels.outerjoin(settled, _BELIEVED)).where(
    labels.c.item_id.in_(bindparam("ids", expanding=True))
)


def _page(statement: Select[Any]) -> Select[Any]:
    after = statement.where(labels.c.seq > bindparam("after"))
    return after.order_by(labels.c.seq).limit(bindparam("limit"))


_PAGE: Final = {
    True: _page(_LINES.select_from(labels.join(settled, _BELIEVED))),
    False: _page(_LINES.select_from(labels.outerjoin(settled, _BELIEVED))),
}
_SETTLED: Final = select(*[c for c in settled.c if c.name != "project_id"]).where(
    settled.c.project_id == bindparam("project")
)
_SETTLED_OF: Final = _SETTLED.where(settled.c.item_id.in_(bindparam("ids", expanding=True)))
_SETTLED_SINCE: Final = _SETTLED.where(settled.c.revision > bindparam("after")).order_by(
    settled.c.label_seq
)
_UNSETTLE: Final = delete(settled).where(
    settled.c.project_id == bindparam("project"),
    settled.c.item_id == bindparam("item"),
    settled.c.incarnation == bindparam("life"),
)
_COUNTED: Final = (
    settled.c.outcome,
    settled.c.provenance,
    settled.c.class_id,
    settled.c.weight,
)
_COUNT: Final = (
    select(*_COUNTED, func.count())
    .where(settled.c.project_id == bindparam("project"))
    .group_by(*_COUNTED)
)
_UNSEEN: Final = (
    select(func.count())
    .select_from(settled)
    .where(
        settled.c.project_id == bindparam("project"),
        settled.c.revision > bindparam("after"),
        settled.c.weight > 0,
    )
)
_ABSTAINED: Final = (
    select(labels.c.item_id, labels.c.incarnation)
    .distinct()
    .where(
        labels.c.project_id == bindparam("project"),
        labels.c.annotator_id == bindparam("who"),
        # In the text of the statement, so that the partial index serves.
        labels.c.outcome == bindparam("outcome", Outcome.ABSTAIN.value, literal_execute=True),
    )
    .order_by(labels.c.item_id, labels.c.incarnation)
)


class SqlLabels:
    """`LabelTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, project_id: str, rows: Sequence[LabelRow]) -> Sequence[int]:
        """Add lines; returns their `seq` numbers, growing in commit order within the project."""
        if not rows:
            return []
        # The counter's row lock orders the numbers as the commits.
        grow = {"project": project_id, "more": len(rows)}
        last = self._session.execute(_NUMBER, grow).one()[0]
        numbers = range(last - len(rows) + 1, last + 1)
        records = [_line_record(project_id, *pair) for pair in zip(numbers, rows, strict=True)]
        self._session.insert_all(_APPEND, records)
        return numbers

    def of_items(self, project_id: str, item_ids: Sequence[str]) -> Sequence[LabelRow]:
        """All lines about these items, oldest first, with `settled` filled in."""
        lines = [_line(row) for row in self._in(_OF_ITEMS, project_id, item_ids)]
        return sorted(lines, key=lambda line: line.seq)

    def page(
        self, project_id: str, after_seq: int, limit: int, *, settled_only: bool
    ) -> Sequence[LabelRow]:
        """Lines with seq > after_seq, oldest first, with `settled` filled in."""
        key = {"project": project_id, "after": after_seq, "limit": limit}
        return [_line(row) for row in self._session.execute(_PAGE[settled_only], key)]

    def settle(self, project_id: str, rows: Sequence[Settled]) -> None:
        """Insert or replace settled rows, by (item_id, incarnation)."""
        if rows:
            # In the order of the primary key, which spares a large import the jumps.
            ordered = sorted(rows, key=lambda row: (row.item_id, row.incarnation))
            records = [_settled_record(project_id, row) for row in ordered]
            self._session.insert_all(upsert(self._session.dialect, settled), records)

    def unsettle(self, project_id: str, keys: Iterable[ItemKey]) -> None:
        """Delete settled rows (their items were deleted)."""
        doomed = [{"project": project_id, "item": item, "life": life} for item, life in keys]
        if doomed:
            self._session.execute(_UNSETTLE, doomed)

    def settled_of(self, project_id: str, item_ids: Sequence[str]) -> Mapping[ItemKey, Settled]:
        """Settled rows of these items, of any incarnation."""
        found = (_settled(row) for row in self._in(_SETTLED_OF, project_id, item_ids))
        return {(row.item_id, row.incarnation): row for row in found}

    def settled_since(self, project_id: str, revision: int) -> Sequence[Settled]:
        """Settled rows with revision > the given one, by label_seq; -1 for all."""
        key = {"project": project_id, "after": revision}
        return [_settled(row) for row in self._session.execute(_SETTLED_SINCE, key)]

    def settled_count(self, project_id: str) -> Mapping[str, int]:
        """Number of settled rows by outcome, `audit`, `class:{class_id}` of those that train."""
        counts: dict[str, int] = {}
        rows = self._session.execute(_COUNT, {"project": project_id})
        for outcome, provenance, class_id, weight, count in rows:
            keys = [outcome]
            if provenance == _AUDIT:
                keys.append("audit")
            if weight > 0:
                keys.append(f"class:{class_id}")
            for key in keys:
                counts[key] = counts.get(key, 0) + count
        return counts

    def unseen_count(self, project_id: str, revision: int) -> int:
        """Settled rows that train (of weight > 0), with revision > the given one."""
        key = {"project": project_id, "after": revision}
        count: int = self._session.execute(_UNSEEN, key).one()[0]
        return count

    def abstained(self, project_id: str, annotator_id: str) -> Sequence[ItemKey]:
        """Items on which this annotator abstained."""
        key = {"project": project_id, "who": annotator_id}
        return [(item, life) for item, life in self._session.execute(_ABSTAINED, key)]

    def _in(self, statement: Select[Any], project_id: str, ids: Sequence[str]) -> list[Row[Any]]:
        execute = self._session.execute
        parts = (execute(statement, {"project": project_id, "ids": part}) for part in chunks(ids))
        return [row for part in parts for row in part]


def _line_record(project_id: str, seq: int, row: LabelRow) -> tuple[object, ...]:
    """In the order of the table's columns."""
    return (
        project_id,
        seq,
        row.item_id,
        row.incarnation,
        row.outcome.value,
        row.class_id,
        row.annotator_id,
        row.provenance.value,
        row.confidence,
        row.seconds_spent,
        row.batch_id,
        row.create_time_ms,
    )


def _line(row: Row[Any]) -> LabelRow:
    return LabelRow(
        seq=row.seq,
        item_id=row.item_id,
        incarnation=row.incarnation,
        outcome=_OUTCOMES[row.outcome],
        class_id=row.class_id,
        annotator_id=row.annotator_id,
        provenance=_PROVENANCES[row.provenance],
        confidence=row.confidence,
        seconds_spent=row.seconds_spent,
        batch_id=row.batch_id,
        create_time_ms=row.create_time_ms,
        settled=bool(row.settled),
    )


def _settled_record(project_id: str, row: Settled) -> tuple[object, ...]:
    """In the order of the table's columns."""
    return (
        project_id,
        row.item_id,
        row.incarnation,
        row.outcome.value,
        row.class_id,
        row.provenance.value,
        row.weight,
        row.label_seq,
        row.revision,
    )


def _settled(row: Row[Any]) -> Settled:
    return Settled(
        item_id=row.item_id,
        incarnation=row.incarnation,
        outcome=_OUTCOMES[row.outcome],
        class_id=row.class_id,
        provenance=_PROVENANCES[row.provenance],
        weight=row.weight,
        label_seq=row.label_seq,
        revision=row.revision,
    )
