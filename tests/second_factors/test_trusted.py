"""Browsers that are trusted for some time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import User, UserSession
from onegov_auth.outcomes import FactorRequired, LoggedIn
from onegov_auth.testing.clock import FakeClock

PASSWORD = "correct horse battery staple"
OTHER = {"type": "totp", "data": "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"}


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth]) -> Auth:
    """Browsers may be trusted for two weeks."""
    return make_auth(second_factors={"totp": {}, "trusted_device": "14d"})


@pytest.fixture(name="cookie")
def _cookie(auth: Auth, ann: User, enter: Any, client: Client) -> str:
    """What ann's browser got."""
    _, outcome = enter(auth, client, trust=True)
    assert outcome.trusted is not None
    trusted: str = outcome.trusted
    return trusted


def _login(auth: Auth, client: Client, cookie: str | None, username: str = "ann@example.org") -> object:
    return auth.login(username, PASSWORD, replace(client, trusted=cookie))


@pytest.mark.sec("MFA-11", "NIST-55")
def test_it_is_asked_for_the_password_only(auth: Auth, client: Client, cookie: str, database: Database) -> None:
    """The session says what stood in for the factor."""
    outcome = _login(auth, client, cookie)

    assert isinstance(outcome, LoggedIn)
    with database.read() as db:
        assert db.get_one(UserSession, outcome.session.id).factors == ["trusted_device"]
    assert outcome.trusted is None


@pytest.mark.sec("MFA-11")
@pytest.mark.parametrize("case", ["password", "another factor", "removed", "later", "forged", "other user", "none"])
def test_what_voids_it(
    auth: Auth, add: Any, client: Client, cookie: str, database: Database, clock: FakeClock, case: str, hasher: Any
) -> None:
    """Any change of password or factors, two weeks, a changed letter, and another user."""
    username = "ann@example.org"
    with database.unit() as db:
        user = db.query(User).one()
        if case == "password":
            user.password_hash = hasher.hash(PASSWORD)
        elif case == "another factor":
            user.factors = [*user.factors, user._new_factor("totp", OTHER["data"])]
        elif case == "removed":
            user.second_factor = OTHER
    if case == "later":
        clock.advance(timedelta(days=14))
    elif case == "forged":
        cookie = cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BB")
    elif case == "other user":
        add(username := "eve@example.org", second_factor=OTHER)

    assert isinstance(_login(auth, client, None if case == "none" else cookie, username), FactorRequired)


@pytest.mark.sec("MFA-11")
def test_it_is_switched_off_by_default(make_auth: Any, ann: User, enter: Any, client: Client, cookie: str) -> None:
    """Nobody is trusted who wants to be, nor whoever was before."""
    auth = make_auth(second_factors={"totp": {}})

    assert isinstance(_login(auth, client, cookie), FactorRequired)
    auth.clock.advance(timedelta(seconds=30))
    assert enter(auth, client, trust=True)[1].trusted is None


def test_nobody_is_trusted_who_does_not_want_it(auth: Auth, ann: User, enter: Any, client: Client) -> None:
    """Without the choice there is no cookie."""
    assert enter(auth, client)[1].trusted is None
