"""Sessions that a provider ends by itself: exactly the right ones, once, and for everybody at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from onegov_auth.accounts import Hooks
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import AuthnContext, Client, UserInfo
from onegov_auth.models import AuthEvent, LoginTransaction, User, UserSession
from onegov_auth.outcomes import Refused
from onegov_auth.provider_sessions import SessionsOfProvider
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import person

MINUTE = timedelta(minutes=1)
OP = Client(address="203.0.113.9", user_agent="the provider")

Open = Callable[..., str]


def sessions_of(auth: Auth, provider: str = "company") -> SessionsOfProvider:
    return SessionsOfProvider(provider, auth.database, auth.transactions, auth.events, auth.hooks, auth.entities)


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth]) -> Auth:
    return make_auth()


@pytest.fixture(name="open_session")
def _open_session(auth: Auth, database: Database, add: Callable[..., User], client: Client) -> Open:
    """Opens a session and returns its token."""
    users: dict[str, User] = {}

    def open_session(sub: str = "sub-1", sid: str | None = "sid-1", source: str = "company") -> str:
        user = users[sub] = users[sub] if sub in users else add(sub)
        info = UserInfo(user.id, user.username, user.role)
        identity = replace(person(source, sub, sub), authn=AuthnContext(session_id=sid))
        with database.unit() as db:
            return auth.sessions.open(db, info, identity, client)[0]

    return open_session


def events(database: Database) -> list[Any]:
    with database.read() as db:
        return list(db.scalars(select(AuthEvent).order_by(AuthEvent.id)))


@pytest.mark.sec("OIDC-47", "SAML-47")
def test_a_session_is_ended_by_its_id(auth: Auth, open_session: Open) -> None:
    """Those of the provider's session are over; the person's other ones, and another provider's, go on."""
    ended = [open_session(), open_session()]
    others = [open_session(sid="sid-2"), open_session(sid=None), open_session("sub-2", "sid-1", source="other")]

    assert sessions_of(auth).end(OP, provider_session="sid-1") == 2
    assert [auth.sessions.lookup(token) for token in ended] == [None, None]
    assert all(auth.sessions.lookup(token) for token in others)


def test_all_sessions_of_a_person_are_ended(auth: Auth, open_session: Open) -> None:
    """Without a session id all of theirs by this provider are over, and nobody else's."""
    ended = [open_session(), open_session(sid="sid-2"), open_session(sid=None)]
    others = [open_session("sub-2"), open_session("sub-3", source="other")]

    assert sessions_of(auth).end(OP, source_id="sub-1") == 3
    assert [auth.sessions.lookup(token) for token in ended] == [None] * 3
    assert all(auth.sessions.lookup(token) for token in others)


@pytest.mark.sec("OIDCX-33")
def test_somebody_elses_session_is_left_alone(auth: Auth, open_session: Open, database: Database) -> None:
    """A session id and a person that don't belong together end nothing, and the event log has it."""
    token = open_session()

    assert sessions_of(auth).end(OP, provider_session="sid-1", source_id="sub-2") == Refused("wrong_person")
    assert auth.sessions.lookup(token) is not None
    assert [(event.type, event.code, event.provider) for event in events(database)] == [
        ("logout", "wrong_person", "company")
    ]


@pytest.mark.sec("OIDCX-33")
def test_of_people_who_share_a_session_id_one_is_meant(auth: Auth, open_session: Open) -> None:
    """A person beside the id ends theirs, and no other one's that the provider gave the same id."""
    ended, other = open_session("sub-1"), open_session("sub-2")

    assert sessions_of(auth).end(OP, provider_session="sid-1", source_id="sub-1") == 1
    assert auth.sessions.lookup(ended) is None
    assert auth.sessions.lookup(other) is not None


def test_a_session_that_is_over_already_is_no_fault(auth: Auth) -> None:
    """OpenID Connect Back-Channel Logout §2.8: then the logout has succeeded."""
    assert sessions_of(auth).end(OP, provider_session="sid-1", source_id="sub-1") == 0


@pytest.mark.parametrize("named", [{}, {"source_id": ""}, {"provider_session": ""}], ids=["neither", "person", "sid"])
def test_somebody_is_named(auth: Auth, open_session: Open, named: dict[str, Any]) -> None:
    """Nothing named would end everything: that is an error."""
    token = open_session("sub-1", None)
    with pytest.raises(ValueError, match="neither a session nor a person"):
        sessions_of(auth).end(OP, **named)
    assert auth.sessions.lookup(token) is not None


@pytest.mark.sec("RACE-08", "OIDCX-33")
def test_a_message_works_once(auth: Auth, open_session: Open, clock: FakeClock) -> None:
    """The same message a second time ends nothing, not even a session opened since, as long as it is good."""
    sessions = sessions_of(auth)
    assert sessions.end(OP, source_id="sub-1", once="jti-1", valid_for=MINUTE) == 0
    token = open_session()
    clock.advance(59)

    assert sessions.end(OP, source_id="sub-1", once="jti-1", valid_for=MINUTE) == Refused("replayed")
    assert auth.sessions.lookup(token) is not None
    assert sessions_of(auth, "other").end(OP, source_id="sub-1", once="jti-1", valid_for=MINUTE) == 0


@pytest.mark.sec("RACE-08")
def test_of_many_at_once_one_counts(auth: Auth, open_session: Open) -> None:
    """Thirty threads with one message: one ends the session, all others are told that it was used."""
    open_session()
    barrier, results = threading.Barrier(30), []

    def work() -> None:
        barrier.wait()
        results.append(sessions_of(auth).end(OP, provider_session="sid-1", once="jti-1", valid_for=MINUTE))

    threads = [threading.Thread(target=work) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(1) == 1
    assert results.count(Refused("replayed")) == 29


def test_what_fails_gives_the_message_back(
    make_auth: Callable[..., Auth], open_session: Open, database: Database
) -> None:
    """When the application's hook fails, nothing was ended and nothing used up: the provider tries again."""
    open_session()

    def fail(*_: object) -> None:
        raise RuntimeError("not today")

    with pytest.raises(RuntimeError, match="not today"):
        sessions_of(make_auth(hooks=Hooks(on_logout=fail))).end(
            OP, provider_session="sid-1", once="jti-1", valid_for=MINUTE
        )
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(UserSession)) == 1
        assert db.scalar(select(func.count()).select_from(LoginTransaction)) == 0


def test_each_person_has_an_event(make_auth: Callable[..., Auth], open_session: Open, database: Database) -> None:
    """The event log says who was logged out by whom, and the application is told."""
    told: list[str] = []
    auth = make_auth(hooks=Hooks(on_logout=lambda _db, user, _client: told.append(user.username)))
    open_session()
    open_session()
    sessions_of(auth).end(OP, provider_session="sid-1")

    [event] = events(database)
    assert (event.type, event.code, event.username, event.provider) == ("logout", "ok", "sub-1", "company")
    assert (event.address, event.steps) == ("203.0.113.9", [["provider", "sessions ended: 2"]])
    assert told == ["sub-1"]


def test_a_key_works_once(auth: Auth, clock: FakeClock) -> None:
    """For what ends no session, such as an assertion's id; a cleanup forgets it when it is void."""
    sessions = sessions_of(auth)

    assert [sessions.once("assertion-1", MINUTE), sessions.once("assertion-1", MINUTE)] == [True, False]
    assert sessions.once("assertion-2", MINUTE)
    clock.advance(60)
    with auth.database.unit() as db:
        assert auth.transactions.cleanup(db) == 2


def test_every_provider_is_handed_its_own(auth: Auth) -> None:
    """What a provider is handed acts on the sessions that were opened by it."""
    handed = auth.providers["local"].services.sessions
    assert isinstance(handed, SessionsOfProvider)
    assert handed.provider == "local"
