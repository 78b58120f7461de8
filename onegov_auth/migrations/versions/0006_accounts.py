"""
Signup links, and what people do with their own accounts.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table signup_links and the columns."""
    op.add_column("users", sa.Column("email_pending", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("reset_stamp", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("users", sa.Column("pending_steps", sa.Text(), nullable=True))
    op.add_column("user_sessions", sa.Column("confirmed", sa.Double(), nullable=True))
    op.create_table(
        "signup_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("revoked", sa.Double(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_signup_links_group_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name="fk_signup_links_made_by", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_signup_links"),
        sa.UniqueConstraint("token_hash", name="uq_signup_links_token_hash"),
    )
    op.create_index("ix_signup_links_expires", "signup_links", ["expires"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("signup_links")
    op.drop_column("user_sessions", "confirmed")
    for column in ("pending_steps", "reset_stamp", "email_pending"):
        op.drop_column("users", column)
