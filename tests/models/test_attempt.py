"""Tests of attempts as rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.models import LoginAttempt, account_key
from onegov_auth.testing.clock import FakeClock


def test_attempts_are_numbered(session: Session, clock: FakeClock) -> None:
    """Attempts have numbers in their order, and are open until they are settled."""
    for _ in range(3):
        session.add(LoginAttempt(attempt_type="login", datetime_utc=clock()))
        session.flush()
    rows = session.scalars(select(LoginAttempt).order_by(LoginAttempt.id)).all()
    assert [row.id - rows[0].id for row in rows] == [0, 1, 2]
    assert {(row.success, row.is_during_lockout, row.code) for row in rows} == {(None, False, None)}


def test_attempts_are_kept_when_names_are_strange(session: Session, clock: FakeClock) -> None:
    """What was typed need not be anybody's name."""
    session.add(LoginAttempt(attempt_type="login", user_input="' OR 1=1 --", source_ip="?", datetime_utc=clock()))
    session.commit()
    assert session.scalars(select(LoginAttempt.user_input)).all() == ["' OR 1=1 --"]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({}, 0),
        ({"username": " ANN"}, 1),
        ({"older_than": 7}, 2),
        ({"attempt_type": "forgot"}, 2),
        ({"attempt_type": "login", "username": "bob"}, 3),
    ],
)
def test_purge_attempts(session: Session, clock: FakeClock, filters: dict[str, Any], left: int) -> None:
    """As in the second seed: by name, by age in days, by kind, whose names there are understood."""
    old = clock() - timedelta(days=8)
    for kind, name, when in (("login", "ann", old), ("login", "ann", clock()), ("recovery", "bob", clock())):
        session.add(LoginAttempt(attempt_type=kind, user_input=name, datetime_utc=when))
    session.flush()

    assert LoginAttempt.purge_attempts(session, **filters) == 3 - left
    assert len(session.scalars(select(LoginAttempt)).all()) == left


@pytest.mark.sec("UNI-11", "LDAP-64")
@pytest.mark.parametrize(
    ("name", "key"), [(" Ann  Able ", "ann able"), ("ａｎｎ", "ann"), ("", "?e3b0c442"), ("\x00", "?6e340b9c")]
)
def test_an_account_has_one_key(name: str, key: str) -> None:
    """Spellings of a name have one, and what can't be a name has one, too."""
    assert account_key(name)[:9] == key
