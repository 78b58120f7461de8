"""Every way by which somebody may have a permission, for tests of whatever has to know them all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from onegov_auth.models import Bundle, Grant, PermissionRow, User, UserGroup

__all__ = ["BY_HAND", "GRANTED", "WAYS", "give", "permission"]

#: Given by hand, and by a grant.
BY_HAND = ("own", "bundle", "group", "group's bundle")
GRANTED = ("grant", "granted bundle", "granted group", "granted group's bundle")
WAYS = (*BY_HAND, *GRANTED, "superuser")


def permission(db: Session, token: str) -> PermissionRow:
    """The permission of that token, made if it is missing."""
    row = PermissionRow.get_by_token(db, token)
    if row is None:
        row = PermissionRow(token=token)
        db.add(row)
    return row


def give(db: Session, user: User, way: str, token: str = "read", until: datetime | None = None) -> Any:
    """
    Let *user* have a permission by one way and no other.

    Args:
        db: The unit of work.
        user: Who gets it.
        way: One of :data:`WAYS`.
        token: The permission's.
        until: For a grant: when it ends.

    Returns:
        The bundle or group that leads there, if there is one.
    """
    row = permission(db, token)
    if way == "superuser":
        user.is_superuser = True
        return None
    if way in {"own", "grant"}:
        _hand(db, user, way, permission=row, until=until)
        return None
    if way in {"bundle", "granted bundle"}:
        bundle = Bundle(name=f"bundle {way} {token}", permissions=[row])
        _hand(db, user, way, bundle=bundle, until=until)
        return bundle
    group = UserGroup(name=f"group {way} {token}")
    if way.endswith("bundle"):
        group.bundles.append(Bundle(name=f"bundle {way} {token}", permissions=[row]))
    else:
        group.permissions.append(row)
    _hand(db, user, way, group=group, until=until)
    return group


def _hand(db: Session, user: User, way: str, *, until: datetime | None, **right: Any) -> None:
    ((kind, row),) = right.items()
    db.add(row)
    if way in GRANTED:
        db.add(Grant(user=user, origin="company", rule="accounting", expires=until, **right))
    else:
        getattr(user, f"{kind}s").append(row)
