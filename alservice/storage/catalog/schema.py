"""The tables, for every SQL database. Migrations make them; a test holds the two equal.

Settings that are read as a whole are JSON text. Large bytes stand in tables of their own, so
that a change of the row beside them does not write them again.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import text
from sqlalchemy.types import TypeEngine

from alservice.storage.catalog.unsigned64 import Unsigned64

metadata: Final = MetaData()

# Ids are ordered by their bytes, whatever the language of the database.
_ID: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_SERIAL: Final = BigInteger().with_variant(Integer(), "sqlite")


def _key(name: str) -> Column[str]:
    return Column(name, _ID, primary_key=True)


def _column(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _later(*names: str) -> list[Column[str]]:
    """Texts that rows of the first schema did not have."""
    return [Column(name, Text, nullable=False, server_default="") for name in names]


cluster: Final = Table(
    "cluster", metadata, _key("uid"), Column("place", Text), *_later("turns", "home", "address")
)

projects: Final = Table(
    "projects",
    metadata,
    _key("project_id"),
    _column("uid", Text),
    _column("display_name", Text),
    _column("schema", Text),
    _column("space", Text),
    _column("policy", Text),
    _column("salt", Unsigned64),
    _column("revision", BigInteger),
    _column("generation", BigInteger),
    _column("labels_revision", BigInteger),
    _column("next_incarnation", BigInteger),
    _column("item_count", BigInteger),
    _column("settled_count", BigInteger),
    _column("audit_asked", BigInteger),
    _column("queried_asked", BigInteger),
    Column("active_model_id", _ID),
    _column("create_time_ms", BigInteger),
    *_later("unseen"),
    # Never part of a Project: only LabelTable.append moves it.
    Column("last_label_seq", BigInteger, nullable=False, server_default=text("0")),
)

segments: Final = Table(
    "segments",
    metadata,
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    _column("segment_id", _ID),
    _column("project_id", _ID),
    _column("space_id", _ID),
    _column("state", Text),
    _column("rows", BigInteger),
    _column("live_rows", BigInteger),
    _column("size_bytes", BigInteger),
    _column("crc32c", BigInteger),
    _column("inline", Boolean),
    _column("deletions_version", BigInteger),
    Column("expire_time_ms", BigInteger),
    Column("upload_id", _ID),
    _column("revision", BigInteger),
    _column("deletions", LargeBinary),
    Index("segments_by_id", "segment_id", unique=True),
    Index("segments_by_project", "project_id", "state", "revision"),
    Index("segments_by_state", "state", "expire_time_ms"),
)

segment_bytes: Final = Table(
    "segment_bytes", metadata, _key("segment_id"), _column("data", LargeBinary)
)

artefacts: Final = Table(
    "artefacts",
    metadata,
    _key("artefact_id"),
    _column("project_id", _ID),
    _column("operation_id", _ID),
    _column("state", Text),
    _column("segment_ids", Text),
    _column("facts", Text),
    _column("revision", BigInteger),
    _column("size_bytes", BigInteger),
    _column("crc32c", BigInteger),
    _column("create_time_ms", BigInteger),
    Column("expire_time_ms", BigInteger),
    Index("artefacts_by_project", "project_id", "state", "revision", "create_time_ms"),
    Index("artefacts_by_state", "state", "expire_time_ms"),
)

uploads: Final = Table(
    "uploads",
    metadata,
    _key("project_id"),
    _key("upload_id"),
    _column("incarnation", BigInteger),
    _column("on_conflict", Integer),
    _column("received", BigInteger),
    Column("result_json", Text),
    _column("expire_time_ms", BigInteger),
    Index("uploads_by_expiry", "expire_time_ms"),
)

labels: Final = Table(
    "labels",
    metadata,
    _key("project_id"),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _column("item_id", _ID),
    _column("incarnation", BigInteger),
    _column("outcome", Text),
    Column("class_id", _ID),
    _column("annotator_id", _ID),
    _column("provenance", Text),
    Column("confidence", Double),
    Column("seconds_spent", Double),
    Column("batch_id", _ID),
    _column("create_time_ms", BigInteger),
    Index("labels_by_item", "project_id", "item_id"),
    Index(
        "labels_abstained",
        "project_id",
        "annotator_id",
        sqlite_where=text("outcome = 'abstain'"),
        postgresql_where=text("outcome = 'abstain'"),
    ),
    sqlite_with_rowid=False,
)

settled: Final = Table(
    "settled",
    metadata,
    _key("project_id"),
    _key("item_id"),
    Column("incarnation", BigInteger, primary_key=True, autoincrement=False),
    _column("outcome", Text),
    Column("class_id", _ID),
    _column("provenance", Text),
    _column("weight", Double),
    _column("label_seq", BigInteger),
    _column("revision", BigInteger),
    # Holds all that counting what a model has not seen looks at.
    Index("settled_by_revision", "project_id", "revision", "weight"),
    Index("settled_by_outcome", "project_id", "outcome", "provenance", "class_id", "weight"),
    sqlite_with_rowid=False,
)

leases: Final = Table(
    "leases",
    metadata,
    _key("project_id"),
    _key("item_id"),
    Column("incarnation", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    _column("batch_id", _ID),
    _column("annotator_id", _ID),
    _column("expire_time_ms", BigInteger),
    Index("leases_by_batch", "project_id", "batch_id"),
    sqlite_with_rowid=False,
)

batches: Final = Table(
    "batches",
    metadata,
    _key("project_id"),
    _key("batch_id"),
    _column("annotator_id", _ID),
    _column("expire_time_ms", BigInteger),
    _column("create_time_ms", BigInteger),
    _column("strategy", Text),
    _column("strategy_version", Integer),
    Column("model_id", _ID),
    _column("seed", Unsigned64),
    _column("revision", BigInteger),
    _column("closed", Boolean),
    *_later("chosen_by", "because", "pool_index"),
    Index("batches_by_time", "project_id", "create_time_ms", "batch_id"),
    Index(
        "batches_open",
        "project_id",
        "annotator_id",
        "create_time_ms",
        "batch_id",
        sqlite_where=text("closed = 0"),
        postgresql_where=text("NOT closed"),
    ),
    Index("batches_by_annotator", "project_id", "annotator_id", "create_time_ms", "batch_id"),
)

batch_items: Final = Table(
    "batch_items",
    metadata,
    _key("project_id"),
    _key("batch_id"),
    _key("item_id"),
    _column("incarnation", BigInteger),
    _column("rank", Integer),
    _column("score", Double),
    _column("arm", Text),
    _column("propensity", Double),
    _column("components", Text),
    _column("state", Text),
    Index("batch_items_by_item", "project_id", "item_id"),
    sqlite_with_rowid=False,
)

models: Final = Table(
    "models",
    metadata,
    _key("project_id"),
    _key("model_id"),
    _column("state", Text),
    _column("learner", Text),
    _column("operation_id", _ID),
    _column("space_id", _ID),
    _column("class_ids", Text),
    _column("revision", BigInteger),
    _column("label_count", BigInteger),
    _column("parameters", Text),
    _column("metrics", Text),
    _column("create_time_ms", BigInteger),
    Column("end_time_ms", BigInteger),
    _column("error_reason", Text),
    _column("error", Text),
    _column("notes", Text),
    Index("models_by_time", "project_id", "create_time_ms", "model_id"),
)

model_heads: Final = Table(
    "model_heads", metadata, _key("project_id"), _key("model_id"), _column("head", LargeBinary)
)

operations: Final = Table(
    "operations",
    metadata,
    _key("project_id"),
    _key("operation_id"),
    _column("kind", Text),
    _column("state", Text),
    _column("request", Text),
    *_later("result"),
    _column("progress", Double),
    _column("stage", Text),
    _column("cancel_requested", Boolean),
    _column("owner", Text),
    _column("lease_until_ms", BigInteger),
    _column("attempt", BigInteger),
    _column("lapses", BigInteger),
    _column("error_reason", Text),
    _column("error_message", Text),
    _column("create_time_ms", BigInteger),
    Column("end_time_ms", BigInteger),
    Index("operations_by_time", "project_id", "create_time_ms", "operation_id"),
    Index("operations_by_state", "state", "create_time_ms"),
)

requests: Final = Table(
    "requests",
    metadata,
    _key("project_id"),
    _key("principal"),
    _key("method"),
    _key("request_id"),
    _column("fingerprint", Text),
    _column("result_json", Text),
    _column("expire_time_ms", BigInteger),
    Index("requests_by_expiry", "expire_time_ms"),
)
