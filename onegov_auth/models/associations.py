"""The tables that tie users, groups, bundles and permissions together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, Table

from onegov_auth.models.base import primary_key

__all__ = ["ASSOCIATIONS", "association"]

#: What is given by hand, without an end: the attribute of the entities to the table's name and what it ties together.
ASSOCIATIONS = {
    "user_groups": ("user_group_associations", "user", "group"),
    "user_permissions": ("user_permission_associations", "user", "permission"),
    "user_bundles": ("user_bundle_associations", "user", "bundle"),
    "group_permissions": ("group_permission_associations", "group", "permission"),
    "group_bundles": ("group_bundle_associations", "group", "bundle"),
    "bundle_permissions": ("bundle_permission_associations", "bundle", "permission"),
}


def association(metadata: MetaData, name: str, left: tuple[str, type[Any]], right: tuple[str, type[Any]]) -> Table:
    """
    A table that ties rows of two classes together; a row goes with either of them.

    Args:
        metadata: Where the table belongs.
        name: The name of the table.
        left: What the first column is named after, and the class it points to: ``("user", User)`` for ``user_id``.
        right: The same for the second, which has an index of its own.
    """
    (first, first_class), (second, second_class) = left, right
    one, other = primary_key(first_class), primary_key(second_class)
    return Table(
        name,
        metadata,
        Column(f"{first}_id", one.type, ForeignKey(one, ondelete="CASCADE"), primary_key=True),
        Column(f"{second}_id", other.type, ForeignKey(other, ondelete="CASCADE"), primary_key=True, index=True),
    )
