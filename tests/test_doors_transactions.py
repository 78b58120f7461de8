"""Transactions of a login: what happens at the same time, and what is committed together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from onegov_auth.accounts import Hooks
from onegov_auth.attempts import Attempt
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Password
from onegov_auth.models import LoginAttempt, User, UserIdentity, UserSession
from onegov_auth.outcomes import LoggedIn, Refused
from onegov_auth.passwords import Hasher
from onegov_auth.providers import ProviderSettings
from onegov_auth.road import Door
from onegov_auth.testing.providers import KnownPeople

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"


def count(database: Database, model: type[Any]) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.sec("RACE-11")
def test_fifty_first_logins_at_once_make_one_user(
    make_auth: MakeAuth, client: Client, staff: KnownPeople, database: Database
) -> None:
    """The same new person in fifty browsers at once is one user, one identity and fifty sessions."""
    auth = make_auth(staff, attempts={"login": {"limit": 100}}, sessions={"max_per_user": 100})
    barrier = threading.Barrier(50)
    outcomes: list[object] = []

    def work(number: int) -> None:
        browser = replace(client, browser=f"browser-{number}")
        barrier.wait()
        outcomes.append(auth.login("dora", "dora's password", browser))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 50
    assert all(isinstance(outcome, LoggedIn) for outcome in outcomes)
    assert sum(outcome.created for outcome in outcomes if isinstance(outcome, LoggedIn)) == 1
    assert (count(database, User), count(database, UserIdentity), count(database, UserSession)) == (1, 1, 50)


@pytest.mark.sec("RACE-14")
def test_a_password_changed_meanwhile_lets_nobody_in_by_the_old_one(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database, hasher: Hasher
) -> None:
    """Between comparing and opening the session the password was changed: refused."""
    add()
    auth = make_auth()
    verdict = auth.local.verify("ann", Password(PASSWORD))
    with database.unit() as db:
        db.scalars(select(User)).one().password_hash = hasher.hash("a new password")

    outcome = auth.road.complete(verdict, Door(client=client, username="ann"))
    assert isinstance(outcome, Refused)
    assert outcome.code == "password_changed"


def test_an_attempt_and_its_outcome_are_two_commits(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """The attempt is there before the provider is asked, whatever becomes of it."""
    add()
    seen: list[int] = []

    class Watching(KnownPeople):
        def authenticate(self, username: str, password: Password) -> Any:
            seen.append(count(database, LoginAttempt))
            raise RuntimeError("a defect in a provider")

    auth = make_auth(Watching(name="staff", settings=ProviderSettings(kind="known-people")))
    with pytest.raises(RuntimeError):
        auth.login("dora", "x", client)

    assert seen == [1]
    assert isinstance(auth.attempts.admit("login", "dora", client), Attempt)
    assert count(database, UserSession) == 0


def test_hooks_are_part_of_the_login(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """on_login is told who came in; if it fails, nobody is in."""
    add()
    seen: list[str] = []
    auth = make_auth(hooks=Hooks(on_login=lambda _db, user, _client: seen.append(user.username)))
    auth.login("ann", PASSWORD, client)
    assert seen == ["ann"]

    def broken(*_: object) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        make_auth(hooks=Hooks(on_login=broken)).login("ann", PASSWORD, client)
    assert count(database, UserSession) == 1
