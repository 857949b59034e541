"""How many labels a model has not seen, kept so that nobody counts them at every answer."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column. Replicas of before leave it as it is, which makes the next ones count."""
    op.add_column("projects", sa.Column("unseen", sa.Text(), nullable=False, server_default=""))
