"""Which cluster a catalog is of, so that nobody puts its files beside those of another."""

import uuid
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID: Final = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table with its one row."""
    made = op.create_table(
        "cluster",
        sa.Column("uid", _ID, nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("uid"),
    )
    op.execute(sa.insert(made).values(uid=uuid.uuid4().hex))
