"""The first schema: everything."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID: Final = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_SERIAL: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables."""
    _batch_items()
    _batches()
    _labels()
    _leases()
    _model_heads()
    _models()
    _operations()
    _projects()
    _requests()
    _segment_bytes()
    _segments()
    _settled()
    _uploads()


def _batch_items() -> None:
    op.create_table(
        "batch_items",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("incarnation", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("propensity", sa.Double(), nullable=False),
        sa.Column("components", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "batch_id", "item_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("batch_items_by_item", "batch_items", ["project_id", "item_id"])


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.Column("annotator_id", _ID, nullable=False),
        sa.Column("expire_time_ms", sa.BigInteger(), nullable=False),
        sa.Column("create_time_ms", sa.BigInteger(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("strategy_version", sa.Integer(), nullable=False),
        sa.Column("model_id", _ID, nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "batch_id"),
    )
    op.create_index(
        "batches_open",
        "batches",
        ["project_id", "annotator_id", "create_time_ms", "batch_id"],
        sqlite_where=sa.text("closed = 0"),
        postgresql_where=sa.text("NOT closed"),
    )
    op.create_index(
        "batches_by_annotator",
        "batches",
        ["project_id", "annotator_id", "create_time_ms", "batch_id"],
    )
    op.create_index("batches_by_time", "batches", ["project_id", "create_time_ms", "batch_id"])


def _labels() -> None:
    op.create_table(
        "labels",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("incarnation", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("class_id", _ID, nullable=True),
        sa.Column("annotator_id", _ID, nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("seconds_spent", sa.Double(), nullable=True),
        sa.Column("batch_id", _ID, nullable=True),
        sa.Column("create_time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "labels_abstained",
        "labels",
        ["project_id", "annotator_id"],
        sqlite_where=sa.text("outcome = 'abstain'"),
        postgresql_where=sa.text("outcome = 'abstain'"),
    )
    op.create_index("labels_by_item", "labels", ["project_id", "item_id"])


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("incarnation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.Column("annotator_id", _ID, nullable=False),
        sa.Column("expire_time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "item_id", "incarnation", "slot"),
        sqlite_with_rowid=False,
    )
    op.create_index("leases_by_batch", "leases", ["project_id", "batch_id"])


def _model_heads() -> None:
    op.create_table(
        "model_heads",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "model_id"),
    )


def _models() -> None:
    op.create_table(
        "models",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("learner", sa.Text(), nullable=False),
        sa.Column("operation_id", _ID, nullable=False),
        sa.Column("space_id", _ID, nullable=False),
        sa.Column("class_ids", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("label_count", sa.BigInteger(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("create_time_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_time_ms", sa.BigInteger(), nullable=True),
        sa.Column("error_reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "model_id"),
    )
    op.create_index("models_by_time", "models", ["project_id", "create_time_ms", "model_id"])


def _operations() -> None:
    op.create_table(
        "operations",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("operation_id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("lapses", sa.BigInteger(), nullable=False),
        sa.Column("error_reason", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("create_time_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_time_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "operation_id"),
    )
    op.create_index("operations_by_state", "operations", ["state", "create_time_ms"])
    op.create_index(
        "operations_by_time",
        "operations",
        ["project_id", "create_time_ms", "operation_id"],
    )


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("salt", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("labels_revision", sa.BigInteger(), nullable=False),
        sa.Column("next_incarnation", sa.BigInteger(), nullable=False),
        sa.Column("item_count", sa.BigInteger(), nullable=False),
        sa.Column("settled_count", sa.BigInteger(), nullable=False),
        sa.Column("audit_asked", sa.BigInteger(), nullable=False),
        sa.Column("queried_asked", sa.BigInteger(), nullable=False),
        sa.Column("active_model_id", _ID, nullable=True),
        sa.Column("create_time_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_label_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("project_id"),
    )


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("principal", _ID, nullable=False),
        sa.Column("method", _ID, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("result_json", sa.Text(), nullable=False),
        sa.Column("expire_time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "principal", "method", "request_id"),
    )
    op.create_index("requests_by_expiry", "requests", ["expire_time_ms"])


def _segment_bytes() -> None:
    op.create_table(
        "segment_bytes",
        sa.Column("segment_id", _ID, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("segment_id"),
    )


def _segments() -> None:
    op.create_table(
        "segments",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("segment_id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("space_id", _ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("live_rows", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("crc32c", sa.BigInteger(), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("deletions_version", sa.BigInteger(), nullable=False),
        sa.Column("expire_time_ms", sa.BigInteger(), nullable=True),
        sa.Column("upload_id", _ID, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("deletions", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("segments_by_id", "segments", ["segment_id"], unique=True)
    op.create_index("segments_by_project", "segments", ["project_id", "state", "revision"])
    op.create_index("segments_by_state", "segments", ["state", "expire_time_ms"])


def _settled() -> None:
    op.create_table(
        "settled",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("incarnation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("class_id", _ID, nullable=True),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("label_seq", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "item_id", "incarnation"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "settled_by_outcome",
        "settled",
        ["project_id", "outcome", "provenance", "class_id", "weight"],
    )
    seen = ["project_id", "revision", "weight"]
    op.create_index("settled_by_revision", "settled", seen)


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("upload_id", _ID, nullable=False),
        sa.Column("incarnation", sa.BigInteger(), nullable=False),
        sa.Column("on_conflict", sa.Integer(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("result_json", sa.Text(), nullable=True),
        sa.Column("expire_time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "upload_id"),
    )
    op.create_index("uploads_by_expiry", "uploads", ["expire_time_ms"])
