"""
What second factors were used for already.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("user_factors", sa.Column("counter", sa.BigInteger(), nullable=True))
    op.add_column("user_factors", sa.Column("uses", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("user_factors", "uses")
    op.drop_column("user_factors", "counter")
