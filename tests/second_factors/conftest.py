"""What tests of second factors need: somebody with an app, the codes it shows, and what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyotp
import pytest
from sqlalchemy import func, select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Identity
from onegov_auth.models import AuthEvent, OutboxMessage, User, UserSession
from onegov_auth.outcomes import FactorRequired, LoggedIn
from onegov_auth.testing.clock import FakeClock

PASSWORD = "correct horse battery staple"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
FACTORS: Mapping[str, Any] = {"totp": {}, "recovery_codes": {}}


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth]) -> Auth:
    """With an app and recovery codes, which nobody must have."""
    return make_auth(second_factors=FACTORS)


@pytest.fixture(name="ann")
def _ann(auth: Auth, add: Callable[..., User]) -> User:
    """Somebody with an app."""
    del auth
    return add(
        "ann@example.org", email="ann@example.org", email_verified=True, second_factor={"type": "totp", "data": SECRET}
    )


@pytest.fixture(name="code")
def _code(clock: FakeClock) -> Callable[..., str]:
    """``code()`` is what the app shows now, ``code(-1)`` what it showed before."""

    def code(steps: int = 0, secret: str = SECRET) -> str:
        return pyotp.TOTP(secret).at(int(clock().timestamp()) + 30 * steps)

    return code


@pytest.fixture(name="asked")
def _asked() -> Callable[..., str]:
    """``asked(auth, client)`` logs in by the password, and gives the transaction in which a factor is asked for."""

    def asked(auth: Auth, client: Client, username: str = "ann@example.org") -> str:
        outcome = auth.login(username, PASSWORD, client)
        assert isinstance(outcome, FactorRequired), outcome
        return outcome.transaction.id

    return asked


@pytest.fixture(name="enter")
def _enter(asked: Callable[..., str], code: Callable[..., str]) -> Callable[..., tuple[Identity, LoggedIn]]:
    """``enter(auth, client)`` logs in with password and app, and gives the identity of the session."""

    def enter(auth: Auth, client: Client, **more: Any) -> tuple[Identity, LoggedIn]:
        outcome = auth.verify_factor(asked(auth, client), "totp", code(), client, **more)
        assert isinstance(outcome, LoggedIn), outcome
        session = auth.sessions.lookup(outcome.token)
        assert session is not None
        return session, outcome

    return enter


@pytest.fixture(name="sessions")
def _sessions(database: Database) -> Callable[[], int]:
    """How many sessions there are."""

    def count() -> int:
        with database.read() as db:
            return db.scalar(select(func.count()).select_from(UserSession)) or 0

    return count


@pytest.fixture(name="events")
def _events(database: Database) -> Callable[..., list[tuple[str, str | None, str | None]]]:
    """Type, code and factor of what happened, in order."""

    def events(type_: str = "factor") -> list[tuple[str, str | None, str | None]]:
        with database.read() as db:
            rows = db.scalars(select(AuthEvent).where(AuthEvent.type == type_).order_by(AuthEvent.id))
            return [(row.type, row.code, row.factor) for row in rows]

    return events


@pytest.fixture(name="mailed")
def _mailed(database: Database) -> Callable[[], list[str]]:
    """The kinds of mail that wait to be sent."""

    def mailed() -> list[str]:
        with database.read() as db:
            return sorted(db.scalars(select(OutboxMessage.kind)))

    return mailed
