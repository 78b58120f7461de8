"""
The tables of the first version.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, those that others point to first."""
    _users()
    _groups()
    _user_group_associations()
    _role_mappings()
    _tans()
    _user_identities()
    _user_factors()
    _user_sessions()
    _login_transactions()
    _login_attempts()
    _auth_events()


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "auth_events",
        "login_attempts",
        "login_transactions",
        "user_sessions",
        "user_factors",
        "user_identities",
        "tans",
        "role_mappings",
        "user_group_associations",
        "groups",
        "users",
    ):
        op.drop_table(table)


def _json() -> Any:
    return sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _row_number() -> Any:
    # SQLite numbers rows by itself only if the column is an INTEGER.
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("role_origin", sa.Text(), nullable=True),
        sa.Column("realname", sa.Text(), nullable=True),
        sa.Column("data", _json(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("last_login", sa.DateTime(), nullable=True),
        sa.Column("signup_token", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("rights_stamp", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("source", "source_id", name="unique_source_id"),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
        sa.UniqueConstraint("username_key", name=op.f("uq_users_username_key")),
    )
    op.create_index(op.f("ix_users_email"), "users", ["email"])
    op.create_index(op.f("ix_users_signup_token"), "users", ["signup_token"])
    op.create_index("lowercase_username", "users", [sa.text("lower(username)")], unique=True)


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("meta", _json(), nullable=False),
        sa.Column("content", _json(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
    )


def _user_group_associations() -> None:
    op.create_table(
        "user_group_associations",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_user_group_associations_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_group_associations_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_user_group_associations")),
    )
    op.create_index(op.f("ix_user_group_associations_group_id"), "user_group_associations", ["group_id"])


def _role_mappings() -> None:
    op.create_table(
        "role_mappings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("meta", _json(), nullable=False),
        sa.Column("content", _json(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_role_mappings_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["username"],
            ["users.username"],
            name=op.f("fk_role_mappings_username"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_mappings")),
    )
    op.create_index(op.f("ix_role_mappings_group_id"), "role_mappings", ["group_id"])
    op.create_index(op.f("ix_role_mappings_username"), "role_mappings", ["username"])


def _tans() -> None:
    op.create_table(
        "tans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hashed_tan", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("expired", sa.DateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("meta", _json(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tans")),
    )
    op.create_index("ix_tans_created", "tans", ["created"])
    op.create_index(op.f("ix_tans_expired"), "tans", ["expired"])
    op.create_index(op.f("ix_tans_hashed_tan"), "tans", ["hashed_tan"])
    op.create_index(op.f("ix_tans_scope"), "tans", ["scope"])


def _user_identities() -> None:
    op.create_table(
        "user_identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("last_used", sa.DateTime(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_identities_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_identities")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_user_identities_source_source_id")),
    )
    op.create_index(op.f("ix_user_identities_user_id"), "user_identities", ["user_id"])


def _user_factors() -> None:
    op.create_table(
        "user_factors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("data", _json(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("last_used", sa.DateTime(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_factors_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_factors")),
    )
    op.create_index("ix_user_factors_type_key", "user_factors", ["type", "key"])
    op.create_index(op.f("ix_user_factors_user_id"), "user_factors", ["user_id"])


def _user_sessions() -> None:
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("provider_session", sa.Text(), nullable=True),
        sa.Column("logout_hint", sa.Text(), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("last_seen", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("remember", sa.Boolean(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("factors", _json(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_sessions_token_hash")),
    )
    op.create_index(op.f("ix_user_sessions_expires"), "user_sessions", ["expires"])
    op.create_index("ix_user_sessions_provider_provider_session", "user_sessions", ["provider", "provider_session"])
    op.create_index("ix_user_sessions_provider_source_id", "user_sessions", ["provider", "source_id"])
    op.create_index(op.f("ix_user_sessions_user_id"), "user_sessions", ["user_id"])


def _login_transactions() -> None:
    op.create_table(
        "login_transactions",
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("data", _json(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_login_transactions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_login_transactions")),
    )
    op.create_index(op.f("ix_login_transactions_browser_hash"), "login_transactions", ["browser_hash"])
    op.create_index(op.f("ix_login_transactions_expires"), "login_transactions", ["expires"])
    op.create_index(op.f("ix_login_transactions_user_id"), "login_transactions", ["user_id"])


def _login_attempts() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("attempt_type", sa.Text(), nullable=False),
        sa.Column("user_input", sa.Text(), nullable=True),
        sa.Column("source_ip", sa.Text(), nullable=True),
        sa.Column("datetime_utc", sa.Double(), nullable=False),
        sa.Column("is_during_lockout", sa.Boolean(), nullable=False),
        sa.Column("success", sa.Boolean(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
    )
    op.create_index(
        "ix_login_attempts_attempt_type_source_ip_datetime_utc",
        "login_attempts",
        ["attempt_type", "source_ip", "datetime_utc"],
    )
    op.create_index(
        "ix_login_attempts_attempt_type_user_input_datetime_utc",
        "login_attempts",
        ["attempt_type", "user_input", "datetime_utc"],
    )
    op.create_index(op.f("ix_login_attempts_datetime_utc"), "login_attempts", ["datetime_utc"])


def _auth_events() -> None:
    op.create_table(
        "auth_events",
        sa.Column("id", _row_number(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("factor", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("steps", _json(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_events")),
    )
    op.create_index(op.f("ix_auth_events_created"), "auth_events", ["created"])
    op.create_index(op.f("ix_auth_events_user_id"), "auth_events", ["user_id"])
    op.create_index(op.f("ix_auth_events_username"), "auth_events", ["username"])
