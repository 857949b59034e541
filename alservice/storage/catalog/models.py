"""The table of models, and the bytes of their heads beside it."""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, insert, select, tuple_, update

from alservice.domain.model import ModelRow, ModelState
from alservice.storage.catalog.codec import mapping_from_json, mapping_to_json, to_json
from alservice.storage.catalog.schema import model_heads, models
from alservice.storage.catalog.session import Record, Session, upsert

_START: Final = (2**63 - 1, "")  # a place before every model
_COLUMNS: Final = [c for c in models.c if c.name != "project_id"]
_OF_PROJECT: Final = select(*_COLUMNS).where(models.c.project_id == bindparam("project"))
_KEY: Final = (
    models.c.project_id == bindparam("project"),
    models.c.model_id == bindparam("id"),
)
_GET: Final = select(*_COLUMNS).where(*_KEY)
_INSERT: Final = insert(models)
_UPDATE: Final = update(models).where(*_KEY)
_HEAD: Final = select(model_heads.c.head).where(
    model_heads.c.project_id == bindparam("project"), model_heads.c.model_id == bindparam("id")
)
_NEWEST: Final = (models.c.create_time_ms.desc(), models.c.model_id.desc())
_PLACE: Final = select(models.c.create_time_ms, models.c.model_id).where(*_KEY)
_PAGE: Final = (
    _OF_PROJECT.where(
        tuple_(models.c.create_time_ms, models.c.model_id)
        < tuple_(bindparam("time"), bindparam("id"))
    )
    .order_by(*_NEWEST)
    .limit(bindparam("limit"))
)
_LATEST_READY: Final = (
    _OF_PROJECT.where(models.c.state == ModelState.READY.value)
    .order_by(models.c.revision.desc(), *_NEWEST)
    .limit(1)
)


class SqlModels:
    """`ModelTable` in SQL."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def insert(self, project_id: str, model: ModelRow) -> None:
        """Add a row."""
        self._session.execute(_INSERT, _record(project_id, model))

    def store(self, project_id: str, model: ModelRow, head: bytes | None) -> None:
        """Replace the row; `head` None keeps the bytes that are there."""
        execute = self._session.execute
        key = {"project": project_id, "id": model.model_id}
        execute(_UPDATE, {**key, **_record(project_id, model)})
        if head is not None:
            record = {"project_id": project_id, "model_id": model.model_id, "head": head}
            execute(upsert(self._session.dialect, model_heads), record)

    def get(self, project_id: str, model_id: str) -> ModelRow | None:
        """The row."""
        key = {"project": project_id, "id": model_id}
        row = self._session.execute(_GET, key).first()
        return None if row is None else _model(row)

    def head(self, project_id: str, model_id: str) -> bytes | None:
        """The head's bytes; None if there are none."""
        key = {"project": project_id, "id": model_id}
        found: bytes | None = self._session.execute(_HEAD, key).scalar()
        return found

    def page(self, project_id: str, before: str, limit: int) -> Sequence[ModelRow]:
        """Newest first; `before` is a model id that was seen last, "" for the first page."""
        execute = self._session.execute
        seen = execute(_PLACE, {"project": project_id, "id": before}).first() if before else None
        time_ms, model_id = _START if seen is None else seen
        key = {"project": project_id, "time": time_ms, "id": model_id, "limit": limit}
        return [_model(row) for row in execute(_PAGE, key)]

    def latest_ready(self, project_id: str) -> ModelRow | None:
        """The READY model with the greatest revision, the newest of them."""
        row = self._session.execute(_LATEST_READY, {"project": project_id}).first()
        return None if row is None else _model(row)


def _record(project_id: str, model: ModelRow) -> Record:
    return {
        "project_id": project_id,
        "model_id": model.model_id,
        "state": model.state.value,
        "learner": model.learner,
        "operation_id": model.operation_id,
        "space_id": model.space_id,
        "class_ids": to_json(model.class_ids),
        "revision": model.revision,
        "label_count": model.label_count,
        "parameters": mapping_to_json(model.parameters),
        "metrics": to_json([dict(metric) for metric in model.metrics]),
        "create_time_ms": model.create_time_ms,
        "end_time_ms": model.end_time_ms,
        "error_reason": model.error_reason,
        "error": model.error,
        "notes": to_json(model.notes),
    }


def _model(row: Row[Any]) -> ModelRow:
    found: Record = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    found["state"] = ModelState(found["state"])
    found["class_ids"] = tuple(json.loads(found["class_ids"]))
    found["parameters"] = mapping_from_json(found["parameters"])
    found["metrics"] = tuple(json.loads(found["metrics"]))
    found["notes"] = tuple(json.loads(found["notes"]))
    return ModelRow(**found)
