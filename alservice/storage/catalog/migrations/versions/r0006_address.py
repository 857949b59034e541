"""What people call the place of the files, so that it can be named where another one is used."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    op.add_column("cluster", sa.Column("address", sa.Text(), nullable=False, server_default=""))
