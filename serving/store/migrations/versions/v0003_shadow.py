"""What a challenger says beside the champion, and with which chance it was decided."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_DRAWN = ("scores", "standings", "transitions")
"""The tables that say with which chance it was decided; what was decided before is left without."""


def upgrade() -> None:
    """The table of the shadow, and the chances."""
    op.create_table(
        "shadow_scores",
        sa.Column("score_id", sa.Text(), nullable=False),
        sa.Column("bundle_id", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.Text(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("readiness", sa.Double(), nullable=False),
        sa.Column("horizons", sa.Text(), nullable=False),
        sa.Column("index", sa.Double(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("scored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("score_id", "bundle_id", name=op.f("pk_shadow_scores")),
    )
    op.create_index(op.f("ix_shadow_scores_lead_id"), "shadow_scores", ["lead_id"], unique=False)
    op.create_index(op.f("ix_shadow_scores_scored_at"), "shadow_scores", ["scored_at"], unique=False)
    for table in _DRAWN:
        op.add_column(table, sa.Column("propensity", sa.Double(), nullable=True))


def downgrade() -> None:
    """Without them: what the shadow said and the chances are lost."""
    for table in _DRAWN:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("propensity")
    op.drop_table("shadow_scores")
