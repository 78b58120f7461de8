from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.clock import utcnow
from onegov_auth.collections import awaits_activation, delete_unverified
from onegov_auth.models import User


def test_only_what_nobody_confirmed_is_deleted(session: Session) -> None:
    """Neither whoever an operator deactivated, nor who logged in before, nor what is new."""

    def add(name: str, **values: Any) -> None:
        defaults = {"active": False, "data": {"activation_token": "x"}, "created": utcnow() - timedelta(days=9)}
        session.add(User(username=name, password_hash="", role="member", **{**defaults, **values}))

    add("registered")
    add("deactivated", data={})
    add("confirmed", active=True)
    add("was here", last_login=utcnow())
    add("new", created=utcnow())
    session.flush()
    waiting = {user.username for user in session.scalars(select(User)) if awaits_activation(user)}
    assert waiting == {"registered", "new"}
    assert delete_unverified(session, utcnow() - timedelta(days=1)) == 1
    assert set(session.scalars(select(User.username))) == {"deactivated", "confirmed", "was here", "new"}
