"""Registrations that nobody has confirmed by mail yet: they are nobody's account, and stand in nobody's way."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from onegov_auth.models import entities_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import User

__all__ = ["awaits_activation", "delete_unverified"]


def awaits_activation(user: User) -> bool:
    """Whether somebody registered this account and nobody has confirmed it, which no operator's account is."""
    return not user.active and user.last_login is None and "activation_token" in (user.data or {})


def delete_unverified(db: Session, before: datetime) -> int:
    """Delete registrations from before that time that were never confirmed (LINK-25); returns how many."""
    users: Any = entities_of(db).user
    old = select(users).where(users.active.is_(False), users.last_login.is_(None), users.created < before)
    unverified = [user for user in db.scalars(old) if awaits_activation(user)]
    for user in unverified:
        db.delete(user)
    db.flush()
    return len(unverified)
