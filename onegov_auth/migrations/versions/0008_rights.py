"""
Permissions, bundles, grants, superusers, and users who are disabled from a moment on.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

#: What is given by hand, without an end: the table, and the tables it ties together.
_ASSOCIATIONS = (
    ("user_permission_associations", ("user_id", "users"), ("permission_id", "permissions")),
    ("user_bundle_associations", ("user_id", "users"), ("bundle_id", "bundles")),
    ("group_permission_associations", ("group_id", "groups"), ("permission_id", "permissions")),
    ("group_bundle_associations", ("group_id", "groups"), ("bundle_id", "bundles")),
    ("bundle_permission_associations", ("bundle_id", "bundles"), ("permission_id", "permissions")),
)


def upgrade() -> None:
    """Add the columns and the tables."""
    op.add_column("users", sa.Column("disabled_utc", sa.DateTime(), nullable=True))
    op.add_column("users", sa.Column("is_superuser", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "permissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_permissions"),
        sa.UniqueConstraint("token", name="uq_permissions_token"),
    )
    op.create_table(
        "bundles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bundles"),
        sa.UniqueConstraint("name", name="uq_bundles_name"),
    )
    for association in _ASSOCIATIONS:
        _association(*association)
    _grants()


def downgrade() -> None:
    """Take them away."""
    op.drop_table("grants")
    for name, _, _ in _ASSOCIATIONS:
        op.drop_table(name)
    op.drop_table("bundles")
    op.drop_table("permissions")
    op.drop_column("users", "is_superuser")
    op.drop_column("users", "disabled_utc")


def _association(name: str, left: tuple[str, str], right: tuple[str, str]) -> None:
    keys = [
        sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_{name}_{column}", ondelete="CASCADE")
        for column, table in (left, right)
    ]
    op.create_table(
        name,
        *(sa.Column(column, sa.Uuid(), nullable=False) for column, _ in (left, right)),
        *keys,
        sa.PrimaryKeyConstraint(left[0], right[0], name=f"pk_{name}"),
    )
    op.create_index(f"ix_{name}_{right[0]}", name, [right[0]])


def _grants() -> None:
    rights = (("permission_id", "permissions"), ("bundle_id", "bundles"), ("group_id", "groups"))
    keys = [
        sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_grants_{column}", ondelete="CASCADE")
        for column, table in (("user_id", "users"), *rights)
    ]
    counted = " + ".join(f"CASE WHEN ({column} IS NULL) THEN 0 ELSE 1 END" for column, _ in rights)
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("expires", sa.Double(), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        *(sa.Column(column, sa.Uuid(), nullable=True) for column, _ in rights),
        *keys,
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.CheckConstraint(f"{counted} = 1", name="ck_grants_one_right"),
    )
    op.create_index("ix_grants_origin", "grants", ["origin"])
    for column, _ in rights:
        op.create_index(f"ix_grants_{column}", "grants", [column])
        once = ["user_id", column, sa.text("coalesce(origin, '')")]
        op.create_index(f"unique_grants_{column}", "grants", once, unique=True)
