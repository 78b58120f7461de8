"""The record of attempts: listing, unlocking, purging."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.attempts import Attempt, Attempts
from onegov_auth.database import Database
from onegov_auth.devices import Devices
from onegov_auth.domain import Client
from onegov_auth.models import AuthEvent, LoginAttempt, User
from onegov_auth.outcomes import Refused

#: The same tests wherever attempts are counted: the answers have to be the same.
pytestmark = pytest.mark.parametrize(
    ("database", "counters"), [("sqlite", None), ("postgresql", None), ("sqlite", "redis")], indirect=True
)

MakeAttempts = Callable[..., Attempts]


@pytest.fixture(name="ann")
def _ann(database: Database) -> User:
    with database.unit() as db:
        user = User(username="ann", role="member", password_hash="x", email="ann@example.org")
        db.add(user)
    return user


def locked(attempts: Attempts, name: str, client: Client, kind: str = "login") -> bool:
    """Whether that is refused unseen."""
    return isinstance(attempts.admit(kind, name, client), Refused)


def lock(attempts: Attempts, name: str, client: Client, kind: str = "login") -> None:
    """Fail until nothing is looked at any more."""
    while not locked(attempts, name, client, kind):
        pass


def test_attempts_are_listed(make: MakeAttempts, database: Database, client: Client, ann: User) -> None:
    """The newest first, a page at a time; by kind, by any name of the person, by address or its network."""
    del ann
    attempts = make()
    six = replace(client, address="2001:db8:1:2::9")
    for kind, name, where in (
        ("login", "ann", client),
        ("login", "ann@example.org", six),
        ("recovery", "bob", six),
        ("signup", "bob", client),
    ):
        attempts.admit(kind, name, where)

    def found(**filters: Any) -> list[tuple[str, str | None]]:
        with database.read() as db:
            return [(row.attempt_type, row.user_input) for row in attempts.list(db, **filters)]

    assert found() == [("signup", "bob"), ("recovery", "bob"), ("login", "ann@example.org"), ("login", "ann")]
    assert found(limit=1) == [("signup", "bob")]
    assert found(kind="forgot") == [("recovery", "bob")]
    assert found(name="ANN") == [("login", "ann@example.org"), ("login", "ann")]
    assert found(name="bob", kind="signup") == [("signup", "bob")]
    assert found(name="\x00") == []
    assert found(address="2001:db8:1:2::1") == [("recovery", "bob"), ("login", "ann@example.org")]
    with database.read() as db:
        newest = attempts.list(db, limit=2)[-1].id
    assert found(before=newest) == [("login", "ann@example.org"), ("login", "ann")]


@pytest.mark.sec("RATE-08", "RATE-01")
def test_unlocking_a_person_unlocks_all_that_is_theirs(
    make: MakeAttempts, database: Database, client: Client, devices: Devices, ann: User
) -> None:
    """Every name, every address with those names, every browser; nobody else's, and no address."""
    limit = {"limit": 3, "within": "10m", "lockout": "1h"}
    attempts = make(recovery=limit, per_address={"limit": 50})
    known = replace(client, device=devices.note("", ann.id))
    admitted = attempts.admit("login", "a.able", client)
    assert isinstance(admitted, Attempt)
    with database.unit() as db:
        attempts.settle(db, admitted, "ok", success=True, user_id=ann.id)
    for name in ("ann", "ann@example.org", "a.able", "bob"):
        lock(attempts, name, client)
    lock(attempts, "ann", known)
    lock(attempts, "ann", client, "recovery")

    with database.unit() as db:
        attempts.unlock(db, "Ann@Example.org", kind="login")
    for name in ("ann", "a.able"):
        assert not locked(attempts, name, client)
    assert not locked(attempts, "ann", known)
    assert locked(attempts, "bob", client)
    assert locked(attempts, "ann", client, "recovery")
    with database.unit() as db:
        assert attempts.unlock(db, "ann", kind="reset") == 3
    assert not locked(attempts, "ann", client, "recovery")


@pytest.mark.sec("RATE-08")
def test_unlocking_a_name_that_nobody_has(make: MakeAttempts, database: Database, client: Client) -> None:
    """An operator may do that as well, and forgives each failure once."""
    attempts = make()
    lock(attempts, "nobody", client)
    with database.unit() as db:
        assert attempts.unlock(db, "nobody") == 3
        assert attempts.unlock(db, "nobody") == 0
    assert not locked(attempts, "nobody", client)


def test_an_unlock_gives_one_new_budget(make: MakeAttempts, database: Database, client: Client) -> None:
    """Counting begins anew: after as many failures as before, the account is locked again."""
    attempts = make()
    lock(attempts, "ann", client)
    with database.unit() as db:
        attempts.unlock(db, "ann")
    assert [locked(attempts, "ann", client) for _ in range(4)] == [False, False, False, True]


@pytest.mark.sec("RATE-08", "LOG-01")
def test_who_unlocks_is_told(make: MakeAttempts, database: Database, client: Client, ann: User) -> None:
    """With a client, the event is written in the same unit; the record of attempts keeps what was."""
    attempts = make()
    lock(attempts, "ann", client)
    with database.unit() as db:
        attempts.unlock(db, "ann", kind="login", client=client)
        attempts.unlock(db, address="192.0.2.1", client=client)

    with database.read() as db:
        events = db.scalars(select(AuthEvent).order_by(AuthEvent.id)).all()
        codes = db.scalars(select(LoginAttempt.code).order_by(LoginAttempt.id)).all()
    assert [(event.type, event.username, event.user_id) for event in events] == [
        ("unlocked", "ann", ann.id),
        ("unlocked", "192.0.2.1", None),
    ]
    assert events[0].steps == [["kinds", "login"], ["failures", "3"]]
    assert codes[:5] == [None, None, None, "locked", "unlocked"]


def test_a_kind_that_is_none(make: MakeAttempts, database: Database) -> None:
    """Nothing is unlocked by mistake."""
    attempts = make()
    with database.unit() as db, pytest.raises(ValueError, match="no kind of attempt: logins; there are login, factor"):
        attempts.unlock(db, "ann", kind="logins")
