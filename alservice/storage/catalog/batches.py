"""The tables of batches and of their items."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, exists, insert, select, tuple_, update

from alservice.domain.batch import Arm, Batch, BatchItem, BatchItemState
from alservice.ports.tables import ItemKey
from alservice.storage.catalog.codec import mapping_from_json, mapping_to_json
from alservice.storage.catalog.schema import batch_items, batches
from alservice.storage.catalog.session import Record, Session, chunks

_ARMS: Final = {arm.value: arm for arm in Arm}
_STATES: Final = {state.value: state for state in BatchItemState}
_START: Final = f"{2**63 - 1}:"  # a cursor before every batch

_COLUMNS: Final = [c for c in batches.c if c.name != "project_id"]
_OF_PROJECT: Final = select(*_COLUMNS).where(batches.c.project_id == bindparam("project"))
_BATCH: Final = (
    batches.c.project_id == bindparam("project"),
    batches.c.batch_id == bindparam("batch"),
)
_GET: Final = select(*_COLUMNS).where(*_BATCH)
_INSERT: Final = insert(batches)
_INSERT_ITEMS: Final = insert(batch_items)
_ITEMS: Final = (
    select(*[c for c in batch_items.c if c.name != "project_id"])
    .where(
        batch_items.c.project_id == bindparam("project"),
        batch_items.c.batch_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(batch_items.c.batch_id, batch_items.c.rank)
)
_HISTORY: Final = (
    select(
        batch_items.c.item_id,
        batch_items.c.incarnation,
        batch_items.c.batch_id,
        batch_items.c.arm,
        batch_items.c.state,
        batches.c.annotator_id,
    )
    .join(
        batches,
        (batches.c.project_id == batch_items.c.project_id)
        & (batches.c.batch_id == batch_items.c.batch_id),
    )
    .where(
        batch_items.c.project_id == bindparam("project"),
        batch_items.c.item_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(batches.c.create_time_ms.desc(), batches.c.batch_id.desc())
)
_BEFORE: Final = tuple_(batches.c.create_time_ms, batches.c.batch_id) < tuple_(
    bindparam("time"), bindparam("batch")
)
_SET_STATE: Final = (
    update(batch_items)
    .where(
        batch_items.c.project_id == bindparam("project"),
        batch_items.c.batch_id == bindparam("batch"),
        batch_items.c.item_id.in_(bindparam("ids", expanding=True)),
    )
    .values(state=bindparam("new"))
)
_ANY_OPEN: Final = exists().where(
    batch_items.c.project_id == batches.c.project_id,
    batch_items.c.batch_id == batches.c.batch_id,
    batch_items.c.state == BatchItemState.OPEN.value,
)
_RECLOSE: Final = update(batches).where(*_BATCH).values(closed=~_ANY_OPEN)
_EXTEND: Final = update(batches).where(*_BATCH).values(expire_time_ms=bindparam("until"))
_OLDEST_OPEN: Final = (
    _OF_PROJECT.where(
        batches.c.annotator_id == bindparam("who"),
        ~batches.c.closed,
        batches.c.expire_time_ms > bindparam("now"),
    )
    .order_by(batches.c.create_time_ms, batches.c.batch_id)
    .limit(1)
)


def _page(*, of_annotator: bool, open_only: bool) -> Select[Any]:
    page = _OF_PROJECT.where(_BEFORE)
    if of_annotator:
        page = page.where(batches.c.annotator_id == bindparam("who"))
    if open_only:
        page = page.where(~batches.c.closed)
    newest_first = (batches.c.create_time_ms.desc(), batches.c.batch_id.desc())
    return page.order_by(*newest_first).limit(bindparam("limit"))


_PAGES: Final = {
    (of_annotator, open_only): _page(of_annotator=of_annotator, open_only=open_only)
    for of_annotator in (False, True)
    for open_only in (False, True)
}


class SqlBatches:
    """`BatchTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def insert(self, project_id: str, batch: Batch) -> None:
        """Add a batch with its items."""
        self._session.execute(_INSERT, _record(project_id, batch))
        if batch.items:
            records = [_item_record(project_id, batch.batch_id, item) for item in batch.items]
            self._session.execute(_INSERT_ITEMS, records)

    def get(self, project_id: str, batch_id: str) -> Batch | None:
        """The batch with its items, in rank order."""
        return self._first(_GET, {"project": project_id, "batch": batch_id})

    def page(
        self, project_id: str, before: str, limit: int, *, annotator_id: str, open_only: bool
    ) -> Sequence[Batch]:
        """Newest first; `before` is the `cursor` of the last one seen, "" for the first page."""
        time_ms, _, batch_id = (before or _START).partition(":")
        key: Record = {"project": project_id, "time": int(time_ms), "batch": batch_id}
        statement = _PAGES[bool(annotator_id), open_only]
        who = {"who": annotator_id} if annotator_id else {}
        rows = self._session.execute(statement, {**key, **who, "limit": limit})
        return self._with_items(project_id, rows.all())

    def cursor(self, project_id: str, batch_id: str) -> str:
        """The place of a batch in the order of `page`; that of the first page if it is gone."""
        key = {"project": project_id, "batch": batch_id}
        row = self._session.execute(_GET, key).first()
        return "" if row is None else f"{row.create_time_ms}:{batch_id}"

    def oldest_open(self, project_id: str, annotator_id: str, now_ms: int) -> Batch | None:
        """The annotator's oldest batch that is not closed and whose lease has not run out."""
        key = {"project": project_id, "who": annotator_id, "now": now_ms}
        return self._first(_OLDEST_OPEN, key)

    def of_items(
        self, project_id: str, item_ids: Sequence[str]
    ) -> Mapping[ItemKey, Sequence[tuple[str, str, str, str]]]:
        """For each item ever handed out: (batch_id, arm, state, annotator_id), newest first."""
        found: dict[ItemKey, list[tuple[str, str, str, str]]] = {}
        for part in chunks(item_ids):
            key = {"project": project_id, "ids": part}
            for item, life, *rest in self._session.execute(_HISTORY, key):
                batch_id, arm, state, who = rest
                found.setdefault((item, life), []).append((batch_id, arm, state, who))
        return found

    def set_state(
        self, project_id: str, batch_id: str, item_ids: Sequence[str], state: BatchItemState
    ) -> None:
        """Change the state of items; the batch is closed once none is OPEN, else open."""
        key = {"project": project_id, "batch": batch_id}
        for part in chunks(item_ids):
            self._session.execute(_SET_STATE, {**key, "ids": part, "new": state.value})
        self._session.execute(_RECLOSE, key)

    def extend(self, project_id: str, batch_id: str, expire_time_ms: int) -> None:
        """Set the lease's end."""
        key = {"project": project_id, "batch": batch_id, "until": expire_time_ms}
        self._session.execute(_EXTEND, key)

    def _first(self, statement: Select[Any], key: Record) -> Batch | None:
        row = self._session.execute(statement, key).first()
        return None if row is None else self._with_items(key["project"], [row])[0]

    def _with_items(self, project_id: str, rows: Sequence[Row[Any]]) -> list[Batch]:
        items: dict[str, list[BatchItem]] = {row.batch_id: [] for row in rows}
        for part in chunks(items):
            key = {"project": project_id, "ids": part}
            for batch_id, *fields in self._session.execute(_ITEMS, key):
                items[batch_id].append(_item(*fields))
        return [
            Batch(**row._mapping, items=tuple(items[row.batch_id]))  # noqa: SLF001 - public
            for row in rows
        ]


def _record(project_id: str, batch: Batch) -> Record:
    return {
        "project_id": project_id,
        "batch_id": batch.batch_id,
        "annotator_id": batch.annotator_id,
        "expire_time_ms": batch.expire_time_ms,
        "create_time_ms": batch.create_time_ms,
        "strategy": batch.strategy,
        "strategy_version": batch.strategy_version,
        "model_id": batch.model_id,
        "seed": batch.seed,
        "revision": batch.revision,
        "closed": batch.closed,
        "chosen_by": batch.chosen_by,
        "because": batch.because,
        "pool_index": batch.pool_index,
    }


def _item_record(project_id: str, batch_id: str, item: BatchItem) -> Record:
    return {
        "project_id": project_id,
        "batch_id": batch_id,
        "item_id": item.item_id,
        "incarnation": item.incarnation,
        "rank": item.rank,
        "score": item.score,
        "arm": item.arm.value,
        "propensity": item.propensity,
        "components": mapping_to_json(item.components),
        "state": item.state.value,
    }


def _item(
    item_id: str,
    incarnation: int,
    rank: int,
    score: float,
    arm: str,
    propensity: float,
    components: str,
    state: str,
) -> BatchItem:
    return BatchItem(
        item_id=item_id,
        incarnation=incarnation,
        rank=rank,
        score=score,
        arm=_ARMS[arm],
        propensity=propensity,
        components=mapping_from_json(components),
        state=_STATES[state],
    )
