"""The tables that tie users, groups, bundles and permissions together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, Table

from onegov_auth.errors import RegistryError
from onegov_auth.models.base import primary_key

__all__ = ["ASSOCIATIONS", "mapping_table"]

#: What is given by hand, without an end: the attribute of the entities to the table's name and what it ties together.
ASSOCIATIONS = {
    "user_groups": ("user_group_associations", "user", "group"),
    "user_permissions": ("user_permission_associations", "user", "permission"),
    "user_bundles": ("user_bundle_associations", "user", "bundle"),
    "group_permissions": ("group_permission_associations", "group", "permission"),
    "group_bundles": ("group_bundle_associations", "group", "bundle"),
    "bundle_permissions": ("bundle_permission_associations", "bundle", "permission"),
}


def mapping_table(
    attribute: str,
    metadata: MetaData,
    left: type[Any],
    right: type[Any],
    *,
    name: str | None = None,
    columns: tuple[str, str] | None = None,
) -> Table:
    """
    A table that ties rows of two classes together; a row goes with either of them.

    Args:
        attribute: Which one: ``user_groups``, ``user_permissions``, ``user_bundles``, ``group_permissions``,
            ``group_bundles`` or ``bundle_permissions``, as :class:`Entities` calls it and takes it.
        metadata: Where the table belongs.
        left: The class it points to first: the users, for ``user_permissions``.
        right: The other class.
        name: The name of the table, if not the default one.
        columns: The names of its columns, if not the default ones such as ``user_id`` and ``permission_id``.

    Raises:
        RegistryError: If there is no such attribute.
    """
    if attribute not in ASSOCIATIONS:
        raise RegistryError(f"no such table: {attribute}; there are {', '.join(ASSOCIATIONS)}")
    default, *ends = ASSOCIATIONS[attribute]
    keys = [f"{end}_id" for end in ends]
    names = columns or keys
    made = [
        Column(
            called,
            primary_key(class_).type,
            ForeignKey(primary_key(class_), ondelete="CASCADE"),
            key=key,
            primary_key=True,
            index=class_ is right,
        )
        for class_, key, called in zip((left, right), keys, names, strict=True)
    ]
    return Table(name or default, metadata, *made)
