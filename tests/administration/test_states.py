"""The states an account may be in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.administration.states import STATES, States
from onegov_auth.models import User, UserFactor


@pytest.fixture(name="found")
def _found(office: Any) -> Any:
    """People of all states; who is in one."""
    now = office.auth.clock()
    office.person("inactive", active=False)
    office.person("past", disabled_utc=now - timedelta(days=1))
    office.person("soon", disabled_utc=now + timedelta(days=1))
    office.person("invited", password_hash="")
    office.person("unverified", email="x@example.org")
    office.person("super", is_superuser=True)
    key = office.person("factor")
    with office.database.unit() as db:
        db.add(UserFactor(user_id=key, type="yubikey", key="cccccccccccc"))

    def found(state: str) -> set[str]:
        states = States(office.auth.entities, office.auth.settings, office.auth.clock())
        with office.database.read() as db:
            return set(db.scalars(select(User.username).where(states.condition(state)))) - {"root@example.org"}

    return found


ALL = {"inactive", "past", "soon", "invited", "unverified", "super", "factor"}


@pytest.mark.parametrize(
    ("state", "people"),
    [
        ("active", ALL - {"inactive", "past"}),
        ("inactive", {"inactive", "past"}),
        ("disabled", {"past"}),
        ("invited", {"invited"}),
        ("unverified", {"unverified"}),
        ("superuser", {"super"}),
        ("no_factor", ALL - {"factor"}),
        ("locked", set()),
    ],
)
def test_states(found: Any, state: str, people: set[str]) -> None:
    """Each state has exactly those people."""
    assert state in STATES
    assert found(state) == people


def test_locked_until_the_lockout_ends(office: Any, found: Any, clock: Any) -> None:
    """Who has used up the tries is locked, until the time is over or the person succeeds."""
    limit = office.auth.settings.attempts.login
    for _ in range(limit.limit):
        office.auth.login("soon", "wrong", office.client)
    assert found("locked") == {"soon"}
    for _ in range(2 * limit.limit):
        office.auth.attempts.fail("login", "past", office.client, "csrf")
    assert found("locked") == {"soon", "past"}
    clock.advance(limit.lockout.total_seconds() + 1)
    assert found("locked") == set()


@pytest.mark.sec("RATE-08")
def test_locked_for_good(office: Any, found: Any, clock: Any) -> None:
    """Who failed too often in a row is found for as long as that lasts, however slowly it went."""
    limits = office.auth.settings.attempts
    for _ in range(limits.in_a_row * 3 // 4):
        office.auth.login("soon", "wrong", office.client)
        clock.advance((limits.login.within + limits.login.lockout).total_seconds())
    assert found("locked") == {"soon"}

    with office.database.unit() as db:
        office.auth.attempts.unlock(db, "soon")
    assert found("locked") == set()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_locked_in_redis(make_office: Any, redis_url: str) -> None:
    """Where Redis counts, the same people are found: the table has every attempt all the same."""
    office = make_office(redis=redis_url)
    office.person("ann")
    for _ in range(office.auth.settings.attempts.login.limit):
        office.auth.login("ann", "wrong", office.client)
    refused = office.auth.login("ann", "wrong", office.client)

    states = States(office.auth.entities, office.auth.settings, office.auth.clock())
    with office.database.read() as db:
        assert set(db.scalars(select(User.username).where(states.condition("locked")))) == {"ann"}
    assert refused.code == "locked"
