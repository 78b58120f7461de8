"""Signup links."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from onegov_auth.auth import Auth
from onegov_auth.collections import UserCollection, UserGroupCollection
from onegov_auth.database import Database
from onegov_auth.domain import Client, Identity
from onegov_auth.errors import ExpiredSignupLinkError, ForbiddenRoleError
from onegov_auth.models import SignupLink, User
from onegov_auth.outcomes import Done, Refused
from onegov_auth.signup import signup_hash
from onegov_auth.testing.clock import FakeClock

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
DAY = timedelta(days=1)


def form(name: str) -> Any:
    return SimpleNamespace(username=SimpleNamespace(data=name), password=SimpleNamespace(data=PASSWORD))


def users(database: Database) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(User)) or 0


@pytest.fixture(name="auth")
def _auth(make_auth: MakeAuth) -> Auth:
    return make_auth(attempts={"per_address": {"limit": 1000}})


@pytest.fixture(name="row")
def _row(auth: Auth) -> Callable[[], SignupLink]:
    def row() -> SignupLink:
        with auth.database.read() as db:
            return auth.signup_links.list(db)[0]

    return row


def test_a_link_says_itself_what_it_gives(auth: Auth, row: Any) -> None:
    """The token is signed and self-contained, as in the first seed; the table has its hash only."""
    token = auth.new_signup_token("editor", max_age=3600, max_uses=3)
    said = auth.decode_signup_token(token)
    assert said is not None
    assert (said["role"], said["max_uses"], len(said["salt"]) >= 16) == ("editor", 3, True)
    assert auth.new_signup_token("editor", max_age=3600, max_uses=3) != token
    assert auth.decode_signup_token(token + "x") is None
    assert auth.permitted_role_for_registration(token) == "editor"
    assert auth.permitted_role_for_registration() == "member"
    assert auth.permitted_role_for_registration("nonsense") is None
    assert auth.signup_url(token) == f"https://app.example.org/auth/register?token={token}"
    with auth.database.read() as db:
        assert signup_hash(token) in {link.token_hash for link in auth.signup_links.list(db)}


def test_who_registers_by_it_gets_its_role_and_group(auth: Auth, client: Client, database: Database, row: Any) -> None:
    """Also where registration is off for everybody; who came in by it is kept."""
    with database.unit() as db:
        group = UserGroupCollection(db).add(name="club").id
    token = auth.new_signup_token("editor", group=str(group))
    assert auth.registration_open(token)
    assert auth.register(form("ann@example.org"), client, token) == Done("registered")
    with database.read() as db:
        user = db.scalars(select(User)).one()
        assert (user.role, user.active, [one.id for one in user.groups]) == ("editor", False, [group])
        assert [one.id for one in auth.signup_links.users(db, row().id)] == [user.id]
        assert UserCollection(db).by_signup_token(token).one().id == user.id
    assert row().uses == 1
    assert not auth.registration_open(token)
    with pytest.raises(ExpiredSignupLinkError):
        auth.register(form("bob@example.org"), client, token)


@pytest.mark.sec("RACE-02", "LINK-28")
def test_fifty_at_once_on_a_link_for_seven_are_seven(auth: Auth, client: Client, database: Database, row: Any) -> None:
    """Exactly as many users as the link allows, and everybody else is told that it is used up."""
    token = auth.new_signup_token("member", max_uses=7)

    def register(number: int) -> bool:
        try:
            return auth.register(form(f"user-{number}@example.org"), client, token) == Done("registered")
        except ExpiredSignupLinkError:
            return False

    with ThreadPoolExecutor(25) as pool:
        assert sum(pool.map(register, range(50))) == 7
    assert (users(database), row().uses) == (7, 7)


@pytest.mark.sec("LINK-28")
@pytest.mark.parametrize(
    "case", ["time", "revoked", "forged", "role", "maker gone", "maker less", "maker out", "maker disabled"]
)
def test_a_link_that_is_none_any_more_lets_nobody_in(
    auth: Auth,
    make_auth: MakeAuth,
    add: Callable[..., User],
    client: Client,
    database: Database,
    clock: FakeClock,
    row: Any,
    case: str,
) -> None:
    """Too old, revoked, forged, for a role that is gone, or made by somebody who may not any more."""
    maker = add("maker", role="admin")
    token = auth.new_signup_token("editor", domain="@Example.org", by=_as(auth, maker))
    with database.unit() as db:
        loaded = db.get_one(User, maker.id)
        if case == "revoked":
            assert auth.signup_links.revoke(db, str(row().id))
            assert not auth.signup_links.revoke(db, row().id)
        elif case == "maker gone":
            db.delete(loaded)
        elif case == "maker less":
            loaded.role = "member"
        elif case == "maker out":
            loaded.active = False
        elif case == "maker disabled":
            loaded.disabled_utc = clock()
    if case == "time":
        clock.advance(DAY)
    elif case == "forged":
        token = auth.new_signup_token("editor")[:-2] + "AA"
    elif case == "role":
        auth = make_auth(roles={"admin": ["Secret"], "member": ["Public"], "anonymous": ["Public"]})
    with pytest.raises(ExpiredSignupLinkError):
        auth.register(form("ann@example.org"), client, token)
    assert auth.permitted_role_for_registration(token) is None
    assert auth.foreign_domain(token, "ann@example.com") is None
    assert users(database) == (0 if case == "maker gone" else 1)


@pytest.mark.sec("LINK-28")
@pytest.mark.parametrize("name", ["ann@example.com", "ann@evil.example.org", "ann@xexample.org"])
def test_who_is_of_another_domain_is_told_so(
    auth: Auth, client: Client, database: Database, row: Any, name: str
) -> None:
    """The link itself is good, and not used up by it."""
    token = auth.new_signup_token("editor", domain="@Example.org")
    assert auth.register(form(name), client, token) == Refused("foreign_address")
    assert auth.foreign_domain(token, name) == "example.org"
    assert row().uses == 0
    with database.unit() as db:
        assert auth.signup_links.use(db, token, name) is None
    assert isinstance(auth.register(form("ann@EXAMPLE.org"), client, token), Done)
    assert users(database) == 1


def _as(auth: Auth, user: User) -> Identity:
    with auth.database.read() as db:
        return auth.as_identity(db.get_one(User, user.id))


@pytest.mark.sec("ASVS-8.2.1")
@pytest.mark.parametrize(
    ("maker", "role", "may"),
    [
        ("admin", "admin", True),
        ("admin", "member", True),
        ("editor", "editor", True),
        ("editor", "member", True),
        ("editor", "admin", False),
        ("member", "editor", False),
        ("anonymous", "member", False),
    ],
)
def test_nobody_gives_more_than_they_have(
    auth: Auth, add: Callable[..., User], maker: str, role: str, may: bool
) -> None:
    """A privileged role is given by who has one, and no role by who has a lesser one."""
    who = _as(auth, add("maker", role=maker))
    if may:
        assert auth.new_signup_token(role, by=who)
    else:
        with pytest.raises(ForbiddenRoleError):
            auth.new_signup_token(role, by=who)


def test_a_privileged_role_is_above_the_order(make_auth: MakeAuth, add: Callable[..., User]) -> None:
    """Somebody with a more powerful role that isn't privileged does not give one that is."""
    auth = make_auth(privileged_roles=["editor"])
    with pytest.raises(ForbiddenRoleError):
        auth.new_signup_token("editor", by=_as(auth, add("maker", role="admin")))


@pytest.mark.parametrize(
    "link",
    [
        {"role": "nobody"},
        {"role": "anonymous"},
        {"role": "member", "max_uses": 0},
        {"role": "member", "max_uses": 10_001},
        {"role": "member", "max_age": 0},
        {"role": "member", "max_age": 400 * 86400},
        {"role": "member", "group": "0" * 32},
        {"role": "member", "group": "nonsense"},
        {"role": "member", "domain": "two words"},
        {"role": "member", "domain": "localhost"},
    ],
)
def test_a_link_that_makes_no_sense_isn_t_made(auth: Auth, link: Any, database: Database) -> None:
    """An unknown role or group, numbers that are out of range, and domains that nobody has an address of."""
    with pytest.raises(ValueError, match=r"role|link|group"):
        auth.new_signup_token(**link)
    with database.read() as db:
        assert auth.signup_links.list(db) == []


def test_nobody_makes_a_link_who_is_gone(auth: Auth, add: Callable[..., User], database: Database) -> None:
    """A maker who was deleted meanwhile makes none."""
    who = _as(auth, add("maker", role="admin"))
    with database.unit() as db:
        UserCollection(db).delete("maker")
    with pytest.raises(ValueError, match="nobody"):
        auth.new_signup_token("member", by=who)


def test_links_are_listed_and_forgotten(auth: Auth, database: Database, clock: FakeClock) -> None:
    """The newest first; a month after they ran out they are deleted."""
    auth.new_signup_token("member")
    clock.advance(1)
    auth.new_signup_token("editor", max_age=40 * 86400)
    with database.read() as db:
        assert [link.role for link in auth.signup_links.list(db)] == ["editor", "member"]
    clock.advance(timedelta(days=31))
    with database.unit() as db:
        assert auth.signup_links.cleanup(db) == 1
        assert [link.role for link in auth.signup_links.list(db)] == ["editor"]


@pytest.mark.sec("ENUM-05")
def test_a_taken_address_uses_a_link_up_as_well(auth: Auth, add: Callable[..., User], client: Client, row: Any) -> None:
    """Otherwise a link for one would tell who is here."""
    add("ann@example.org")
    token = auth.new_signup_token("member")
    assert auth.register(form("ann@example.org"), client, token) == Done("registered")
    assert row().uses == 1


@pytest.mark.sec("ASVS-8.4.1", "LINK-28")
def test_another_application_s_link_is_none_here(make_auth: MakeAuth) -> None:
    """Tenants with the same secret and the same table don't take each other's links."""
    token = make_auth(application="town/one").new_signup_token("member")

    assert make_auth(application="town/two").permitted_role_for_registration(token) is None
