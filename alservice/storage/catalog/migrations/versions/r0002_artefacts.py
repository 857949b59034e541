"""What is made from pools; what batches tell of their choice, operations of their outcome."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID: Final = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table and the columns."""
    op.create_table(
        "artefacts",
        sa.Column("artefact_id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("operation_id", _ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("segment_ids", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("crc32c", sa.BigInteger(), nullable=False),
        sa.Column("create_time_ms", sa.BigInteger(), nullable=False),
        sa.Column("expire_time_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("artefact_id"),
    )
    newest = ["project_id", "state", "revision", "create_time_ms"]
    op.create_index("artefacts_by_project", "artefacts", newest)
    op.create_index("artefacts_by_state", "artefacts", ["state", "expire_time_ms"])
    for name in ("chosen_by", "because", "pool_index"):
        op.add_column("batches", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE batches SET chosen_by = strategy")  # nothing else could choose then
    result = sa.Column("result", sa.Text(), nullable=False, server_default="")
    op.add_column("operations", result)
