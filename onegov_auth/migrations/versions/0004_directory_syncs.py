"""
What a sync with a directory keeps.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the counter of syncs that missed a person, who deactivated them, and which directory is being synced."""
    op.add_column("users", sa.Column("deactivated_by", sa.Text(), nullable=True))
    op.add_column("user_identities", sa.Column("missed", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "directory_syncs",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("beat", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_directory_syncs")),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("directory_syncs")
    op.drop_column("user_identities", "missed")
    op.drop_column("users", "deactivated_by")
