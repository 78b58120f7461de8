"""
What a provider is asked with again while a session lasts.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is known of the provider to user_sessions; open sessions are not asked about again."""
    op.add_column("user_sessions", sa.Column("issuer", sa.Text(), nullable=True))
    op.add_column("user_sessions", sa.Column("refresh_token", sa.Text(), nullable=True))
    op.add_column("user_sessions", sa.Column("checked", sa.Double(), nullable=True))
    op.add_column("user_sessions", sa.Column("check_began", sa.Double(), nullable=True))


def downgrade() -> None:
    """Take it away."""
    for name in ("check_began", "checked", "refresh_token", "issuer"):
        op.drop_column("user_sessions", name)
