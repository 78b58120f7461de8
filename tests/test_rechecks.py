"""Long sessions are asked about again, by one request, and end when the provider says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import AuthnContext, Callback, Client, SessionInfo
from onegov_auth.models import AuthEvent, UserSession
from onegov_auth.outcomes import LoggedIn, Rechecked, Redirect, Refused, Unavailable
from onegov_auth.rechecks import PAUSE
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer, person

HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class AskedIssuer(KnownIssuer):
    """
    An issuer that is asked again.

    Attributes:
        asked: The tokens it was asked with.
        revoked: The tokens it was told to forget.
        answers: What it says next; by default it still vouches, with a new token.
        waiting: Called before it answers.
    """

    asked: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    answers: list[Rechecked | Refused | Unavailable] = field(default_factory=list)
    waiting: list[Callable[[], object]] = field(default_factory=list)

    @property
    def recheck_after(self) -> timedelta | None:
        """After an hour."""
        return HOUR

    def recheck(self, token: str, session: SessionInfo) -> Rechecked | Refused | Unavailable:
        """As it was told."""
        assert (session.provider, session.source_id, session.issuer) == ("company", "sub-1", "test:company")
        self.asked.append(token)
        for wait in self.waiting:
            wait()
        return self.answers.pop(0) if self.answers else Rechecked(f"token-{len(self.asked) + 1}")

    def revoke(self, token: str) -> None:
        """Remember it."""
        self.revoked.append(token)


@pytest.fixture(name="issuer")
def _issuer(company: KnownIssuer) -> AskedIssuer:
    eve = person("company", "sub-1", "eve@example.org", authn=AuthnContext(refresh_token="token-1", logout_hint="old"))
    return AskedIssuer(name="company", settings=company.settings, people={"code-1": eve})


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth], issuer: AskedIssuer) -> Auth:
    return make_auth(issuer, sessions={"lifetime": "12h", "idle": "12h"})


@pytest.fixture(name="log_in")
def _log_in(auth: Auth, client: Client) -> Callable[[], LoggedIn]:
    def log_in() -> LoggedIn:
        redirect = auth.start("company", client)
        assert isinstance(redirect, Redirect)
        state = redirect.url.partition("state=")[2].partition("&")[0]
        outcome = auth.finish("company", Callback({"state": state, "code": "code-1"}), client)
        assert isinstance(outcome, LoggedIn)
        return outcome

    return log_in


LogIn = Callable[[], LoggedIn]


def row(database: Database) -> Any:
    with database.read() as db:
        return db.scalars(select(UserSession)).one_or_none()


def last_event(database: Database) -> AuthEvent:
    with database.read() as db:
        return db.scalars(select(AuthEvent).order_by(AuthEvent.id.desc())).first()  # type: ignore[return-value]  # there is one


def test_a_young_session_is_not_asked_about(auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock) -> None:
    """For as long as the setting says, nobody is asked."""
    token = log_in().token
    clock.advance(HOUR - timedelta(seconds=1))

    assert auth.sessions.lookup(token) is not None
    assert issuer.asked == []


@pytest.mark.sec("OIDC-40", "OIDCX-17", "OAUTH-23")
def test_each_check_uses_the_newest_token(auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock) -> None:
    """A session that is vouched for goes on for as long again, and the next check uses what the last one brought."""
    token = log_in().token
    for expected in (["token-1"], ["token-1", "token-2"], ["token-1", "token-2", "token-3"]):
        clock.advance(HOUR)
        assert auth.sessions.lookup(token) is not None
        assert auth.sessions.lookup(token) is not None
        assert issuer.asked == expected


@pytest.mark.sec("OIDC-41", "OIDC-42", "SESS-08")
def test_a_refusal_ends_the_session(
    auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock, database: Database
) -> None:
    """Whoever the provider does not vouch for any more is nobody here, and the event log says why."""
    token = log_in().token
    issuer.answers.append(Refused("recheck_wrong_sub"))
    clock.advance(HOUR)

    assert auth.sessions.lookup(token) is None
    assert row(database) is None
    event = last_event(database)
    assert (event.type, event.code, event.username) == ("session_ended", "recheck_wrong_sub", "eve@example.org")
    assert (event.provider, event.address) == ("company", "192.0.2.1")


def test_who_can_not_be_asked_is_asked_again_later(
    auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock
) -> None:
    """The session goes on, the provider is tried again after a pause, and it is marked as down."""
    token = log_in().token
    issuer.answers.extend([Unavailable("company", "timeout")] * 2)
    clock.advance(HOUR)

    for seconds in (0, PAUSE.total_seconds() - 1, 1):
        clock.advance(seconds)
        assert auth.sessions.lookup(token) is not None
    assert len(issuer.asked) == 2
    assert auth.health.is_down("company")
    clock.advance(PAUSE)
    assert auth.sessions.lookup(token) is not None
    assert not auth.health.is_down("company")


def test_patience_ends(auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock, database: Database) -> None:
    """After twice the time nobody vouched for the person: then the session is over."""
    token = log_in().token
    issuer.answers.append(Unavailable("company", "timeout"))
    clock.advance(2 * HOUR)

    assert auth.sessions.lookup(token) is None
    assert last_event(database).code == "timeout"


@pytest.mark.sec("RACE-15", "OAUTH-23")
def test_one_of_many_requests_asks(auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock) -> None:
    """Thirty requests at once use the refresh token once, and all of them go on."""
    token = log_in().token
    clock.advance(HOUR)
    barrier, found = threading.Barrier(30), []

    def work() -> None:
        barrier.wait()
        found.append(auth.sessions.lookup(token))

    threads = [threading.Thread(target=work) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert issuer.asked == ["token-1"]
    assert [identity.userid for identity in found if identity is not None] == ["eve@example.org"] * 30


@pytest.mark.sec("RACE-15")
def test_a_session_that_ended_meanwhile_stays_so(
    auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock, client: Client, database: Database
) -> None:
    """Logging out while the provider is asked wins."""
    outcome = log_in()
    issuer.waiting.append(lambda: auth.logout(outcome.session, client))
    clock.advance(HOUR)

    assert auth.sessions.lookup(outcome.token) is None
    assert row(database) is None


def test_a_refusal_after_the_logout_changes_nothing(
    auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock, client: Client, database: Database
) -> None:
    """Who is out already is not ended a second time."""
    outcome = log_in()
    issuer.waiting.append(lambda: auth.logout(outcome.session, client))
    issuer.answers.append(Refused("recheck_invalid_grant"))
    clock.advance(HOUR)

    assert auth.sessions.lookup(outcome.token) is None
    assert last_event(database).type == "logout"


@pytest.mark.sec("SESS-08", "OAUTH-16", "OAUTH-23")
def test_tokens_are_sealed(
    auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock, database: Database
) -> None:
    """Neither the refresh token nor the logout hint can be read in the table, before and after a check."""
    outcome = log_in()
    issuer.answers.append(Rechecked("canary-token", id_token="canary-hint"))
    clock.advance(HOUR)
    auth.sessions.lookup(outcome.token)
    stored = row(database)

    assert "token-1" not in repr(vars(stored))
    assert "canary" not in repr(vars(stored))
    with database.read() as db:
        info = auth.sessions.info(db, outcome.session.id)
        assert auth.rechecks.token_of(db, outcome.session.id) == "canary-token"
    assert info is not None
    assert info.logout_hint == "canary-hint"


@pytest.mark.sec("OAUTH-23")
def test_logout_revokes_the_token(auth: Auth, issuer: AskedIssuer, log_in: LogIn, client: Client) -> None:
    """Once the session is over, the provider is told that its token is not needed any more."""
    auth.logout(log_in().session, client)
    assert issuer.revoked == ["token-1"]


def test_without_a_token_nobody_is_asked(
    auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock, database: Database
) -> None:
    """A provider that gives no refresh token is not asked, and its sessions last as any other."""
    issuer.people["code-1"] = replace(issuer.people["code-1"], authn=AuthnContext())
    token = log_in().token
    clock.advance(3 * HOUR)

    assert auth.sessions.lookup(token) is not None
    assert (issuer.asked, row(database).checked) == ([], None)


def test_a_token_nobody_can_read_ends_the_session(
    auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock, database: Database
) -> None:
    """When the secret it was sealed with is gone, nobody can be asked: who knows whether the person is welcome?"""
    token = log_in().token
    with database.unit() as db:
        db.execute(update(UserSession).values(refresh_token="v1.broken"))
    clock.advance(HOUR)

    assert auth.sessions.lookup(token) is None
    assert (issuer.asked, last_event(database).code) == ([], "recheck_unreadable")


def test_a_provider_that_was_taken_out_is_not_asked(
    make_auth: Callable[..., Auth], log_in: LogIn, clock: FakeClock
) -> None:
    """The session lasts as any other; ``onegov-auth distrust`` ends it."""
    token = log_in().token
    clock.advance(3 * HOUR)
    assert make_auth(sessions={"lifetime": "12h", "idle": "12h"}).sessions.lookup(token) is not None


@pytest.mark.parametrize(("hours", "goes_on"), [(1, True), (2, False)])
def test_a_database_that_can_not_be_written(
    auth: Auth, issuer: AskedIssuer, log_in: LogIn, clock: FakeClock, database: Database, hours: int, goes_on: bool
) -> None:
    """A session goes on while nobody can be asked, for as long as with a provider that is down."""
    token = log_in().token
    clock.advance(hours * HOUR)

    def refuse(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE user_sessions"):
            raise OperationalError("read-only", {}, Exception())

    event.listen(database.engine, "before_cursor_execute", refuse)
    try:
        assert (auth.sessions.lookup(token) is not None) is goes_on
    finally:
        event.remove(database.engine, "before_cursor_execute", refuse)
    assert issuer.asked == []
