"""
The language a person chose.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add users.language."""
    op.add_column("users", sa.Column("language", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("users", "language")
