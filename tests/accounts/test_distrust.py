"""A provider that is not trusted any more: who came by it is out, and what it linked lately is frozen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from onegov_auth.accounts.distrust import Distrust
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client
from onegov_auth.models import Bundle, User, UserIdentity, UserSession
from onegov_auth.outcomes import LoggedIn, Redirect, Refused
from onegov_auth.passwords import Hasher
from onegov_auth.permissions.grants import Grants, Right
from onegov_auth.permissions.mapped import MappedGrants, Wanted
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer, person

HOUR = timedelta(hours=1)


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth], company: KnownIssuer) -> Auth:
    company.people["code-2"] = person("company", "sub-2", "fred@example.org")
    return make_auth(company)


@pytest.fixture(name="log_in")
def _log_in(auth: Auth, client: Client) -> Callable[[str], Any]:
    def log_in(code: str) -> Any:
        redirect = auth.start("company", client)
        assert isinstance(redirect, Redirect)
        state = redirect.url.partition("state=")[2].partition("&")[0]
        return auth.finish("company", Callback({"state": state, "code": code}), client)

    return log_in


def test_links_made_since_are_frozen(
    auth: Auth, log_in: Callable[[str], Any], clock: FakeClock, database: Database
) -> None:
    """Who was linked before comes in as ever, who was linked since is refused, until that is taken back."""
    log_in("code-1")
    clock.advance(HOUR)
    since = clock()
    inside = [log_in("code-2"), log_in("code-1")]
    assert all(auth.sessions.lookup(one.token) for one in inside)
    distrust = Distrust("company", since)
    with database.unit() as db:
        people = distrust.apply(db)

    assert [(one.username, one.role, one.sessions, one.linked, one.proof) for one in people] == [
        ("eve@example.org", "member", 2, None, None),
        ("fred@example.org", "member", 1, since, "provisioned"),
    ]
    assert [auth.sessions.lookup(one.token) for one in inside] == [None, None]
    assert isinstance(log_in("code-1"), LoggedIn)
    assert log_in("code-2") == Refused("identity_frozen", to="/")
    with database.unit() as db:
        assert [one.username for one in distrust.undo(db)] == ["fred@example.org"]
        assert distrust.undo(db) == []
    assert isinstance(log_in("code-2"), LoggedIn)


def test_links_to_others_made_since_are_frozen(
    auth: Auth, log_in: Callable[[str], Any], add: Callable[..., User], clock: FakeClock, database: Database
) -> None:
    """Whoever sat in a session by the provider may have linked another one to come back by; older ones stay."""
    eve, ann = log_in("code-1").user, add()

    def link(user_id: Any, source: str, proof: str = "session") -> None:
        values = {"id": uuid4(), "source_id": str(uuid4()), "proof": proof, "created": clock()}
        with database.unit() as db:
            db.add(UserIdentity(user_id=user_id, source=source, **values))

    link(eve.id, "old")
    clock.advance(HOUR)
    since = clock()
    link(eve.id, "new")
    link(eve.id, "given", "admin")
    link(ann.id, "other")
    with database.unit() as db:
        [told] = Distrust("company", since).apply(db)
        frozen = select(UserIdentity.source).where(UserIdentity.frozen)
        assert db.scalars(frozen).all() == ["new"]
        assert (told.username, told.linked, told.proof) == ("eve@example.org", since, "session")
        assert Distrust("company", since).undo(db) == []
        assert db.scalars(frozen).all() == ["new"]


@pytest.mark.sec("TOK-03", "SESS-05")
def test_tokens_made_since_are_revoked(
    auth: Auth, log_in: Callable[[str], Any], add: Callable[..., User], clock: FakeClock, database: Database
) -> None:
    """Whoever the provider let in may have made one; older ones and those of others stay."""
    ann, eve = add(), log_in("code-1").user

    def made(user: Any, name: str) -> str:
        with database.unit() as db:
            return auth.api_tokens.create(db, user.id, name)[0]

    old = made(eve, "old")
    clock.advance(HOUR)
    since = clock()
    new, others = made(eve, "new"), made(ann, "other")
    with database.unit() as db:
        assert [(one.username, one.tokens) for one in Distrust("company", since).affected(db)] == [
            ("eve@example.org", 1)
        ]
        Distrust("company", since).apply(db)

    assert auth.api_tokens.lookup(new) is None
    assert auth.api_tokens.lookup(old) is not None
    assert auth.api_tokens.lookup(others) is not None


@pytest.mark.sec("TOK-03")
def test_who_removed_the_link_is_known_by_the_session(
    auth: Auth, log_in: Callable[[str], Any], clock: FakeClock, database: Database
) -> None:
    """In a faked session the link is soon removed, and another one made: both that and a token are found."""
    eve, since = log_in("code-1").user, clock()
    with database.unit() as db:
        db.scalars(select(UserIdentity)).one().source = "other"
        db.scalars(select(UserIdentity)).one().proof = "session"
        token, _ = auth.api_tokens.create(db, eve.id, "new")
    with database.unit() as db:
        [told] = Distrust("company", since).apply(db)

    assert (told.sessions, told.tokens, told.proof) == (1, 1, "session")
    assert auth.api_tokens.lookup(token) is None
    with database.read() as db:
        assert db.scalars(select(UserIdentity.frozen)).all() == [True]


def test_others_are_left_alone(
    auth: Auth,
    log_in: Callable[[str], Any],
    add: Callable[..., User],
    hasher: Hasher,
    client: Client,
    database: Database,
) -> None:
    """Sessions and links of other providers, and local sessions of somebody concerned, go on."""
    log_in("code-1")
    add(password_hash=hasher.hash("correct horse battery staple"))
    local = auth.login("ann", "correct horse battery staple", client)
    with database.unit() as db:
        ann = db.scalars(select(User).filter_by(username="ann")).one()
        db.add(UserIdentity(id=uuid4(), user=ann, source="other", source_id="1", proof="admin"))
    with database.unit() as db:
        people = Distrust("company", auth.clock() - HOUR).apply(db)

    assert [one.username for one in people] == ["eve@example.org"]
    assert isinstance(local, LoggedIn)
    assert auth.sessions.lookup(local.token) is not None
    with database.read() as db:
        assert db.scalars(select(UserIdentity.frozen).order_by(UserIdentity.source)).all() == [True, False]


def test_looking_changes_nothing(auth: Auth, log_in: Callable[[str], Any], database: Database) -> None:
    """Whom it would concern can be seen first."""
    log_in("code-1")
    with database.read() as db:
        [eve] = Distrust("company", auth.clock() - HOUR).affected(db)
        assert (eve.username, eve.sessions, eve.proof) == ("eve@example.org", 1, "provisioned")
        assert len(db.scalars(select(UserSession)).all()) == 1
        assert Distrust("company", auth.clock() - HOUR).frozen(db) == []


def test_whether_anybody_came(auth: Auth, log_in: Callable[[str], Any], database: Database) -> None:
    """By a link or by a session, also when the provider is in no settings any more."""
    with database.read() as db:
        assert not Distrust("company", auth.clock()).is_known(db)
    log_in("code-1")
    with database.read() as db:
        assert Distrust("company", auth.clock()).is_known(db)
        assert not Distrust("local", auth.clock()).is_known(db)


def test_rights_of_its_groups_go(database: Database, add: Callable[..., User], clock: FakeClock) -> None:
    """What its groups gave is taken from everybody; what others and people gave stays, and looking takes nothing."""
    ann, books = add(), Right("bundle", "Books")
    with database.unit() as db:
        db.add(Bundle(name="Books"))
    for source in ("company", "staff"):
        with database.unit() as db:
            MappedGrants().apply(db, source, {ann.id: Wanted({books: "a group"})})
    with database.unit() as db:
        Grants().give(db, db.get_one(User, ann.id), bundle="Books")
    distrust = Distrust("company", clock())
    with database.unit() as db:
        looked = distrust.affected(db)
    with database.unit() as db:
        applied = distrust.apply(db)

    assert looked == applied
    assert [(one.username, one.grants, one.sessions, one.linked) for one in applied] == [("ann", 1, 0, None)]
    with database.read() as db:
        assert [one.origin for one in Grants().of(db, db.get_one(User, ann.id))] == [None, "staff"]
        assert distrust.affected(db) == []
