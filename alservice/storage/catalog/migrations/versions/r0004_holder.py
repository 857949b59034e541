"""What tells a catalog from its copies, so that only one of them works on the files."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns."""
    for name in ("turns", "home"):
        op.add_column("cluster", sa.Column(name, sa.Text(), nullable=False, server_default=""))
