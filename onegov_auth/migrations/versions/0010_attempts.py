"""
Whose name was tried, and in which browser; indexes that leave out what was refused in a lockout.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NEW = {"name": ("user_input", "id"), "person": ("person", "id"), "address": ("source_ip", "datetime_utc")}


def upgrade() -> None:
    """Add the columns, change the indexes."""
    op.add_column("login_attempts", sa.Column("person", sa.Text(), nullable=True))
    op.add_column("login_attempts", sa.Column("device", sa.Text(), nullable=True))
    for name, (who, order) in _NEW.items():
        columns = ["attempt_type", who, "is_during_lockout", order]
        op.create_index(f"ix_login_attempts_of_{name}", "login_attempts", columns)
    for who in ("user_input", "source_ip"):
        op.drop_index(f"ix_login_attempts_attempt_type_{who}_datetime_utc", "login_attempts")


def downgrade() -> None:
    """Take them away."""
    for who in ("user_input", "source_ip"):
        columns = ["attempt_type", who, "datetime_utc"]
        op.create_index(f"ix_login_attempts_attempt_type_{who}_datetime_utc", "login_attempts", columns)
    for name in _NEW:
        op.drop_index(f"ix_login_attempts_of_{name}", "login_attempts")
    op.drop_column("login_attempts", "device")
    op.drop_column("login_attempts", "person")
