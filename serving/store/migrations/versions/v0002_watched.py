"""What ``readiness watch`` found, look by look."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """One more table."""
    op.create_table(
        "watched",
        sa.Column("watch_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("watch_id", name=op.f("pk_watched")),
    )
    op.create_index(op.f("ix_watched_at"), "watched", ["at"], unique=False)


def downgrade() -> None:
    """What was found is lost."""
    op.drop_table("watched")
