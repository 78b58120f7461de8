"""
Indexes by which events of one kind, or of one provider, are found.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_COLUMNS = ("type", "provider")


def upgrade() -> None:
    """Make the indexes."""
    for column in _COLUMNS:
        op.create_index(f"ix_auth_events_{column}_id", "auth_events", [column, "id"])


def downgrade() -> None:
    """Take them away."""
    for column in _COLUMNS:
        op.drop_index(f"ix_auth_events_{column}_id", "auth_events")
