"""Whose local password lets them in: ``passwords.login``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from onegov_auth.accounts.local import SEEN, fingerprint
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import AuthEvent, User
from onegov_auth.outcomes import LoggedIn, Refused, StepRequired
from onegov_auth.providers import ProviderSettings
from onegov_auth.road import Door
from onegov_auth.testing.providers import KnownPeople, person

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
COMPANY = {"kind": "oidc", "issuer": "https://id.example.com", "client_id": "app", "client_secret": "x" * 40}
NONE = {"passwords": {"login": "none"}, "providers": {"local": {"kind": "local"}, "company": COMPANY}}
BREAK_GLASS = {"passwords": {"login": "break-glass"}, "privileged_roles": ["admin"]}
BLOCK = ProviderSettings(kind="known-people", roles={"member": ("*",)})


def staff() -> KnownPeople:
    """A directory that knows Ann, under another password."""
    ann = person("staff", "id-ann", "ann", groups=frozenset({"staff"}))
    return KnownPeople(name="staff", settings=BLOCK, people={"ann": ("another", ann)})


def code(database: Database) -> str | None:
    """What the log says of the last login."""
    with database.read() as db:
        return db.scalars(select(AuthEvent.code).order_by(AuthEvent.id.desc()).limit(1)).one()


@pytest.mark.parametrize("role", ["admin", "member"])
def test_none_lets_nobody_in(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database, role: str
) -> None:
    """With ``none`` no local password lets anybody in, whatever the role, and it looks as a wrong one."""
    add(role=role)
    auth = make_auth(**NONE)
    outcome = auth.login("ann", PASSWORD, client)

    assert isinstance(outcome, Refused)
    assert outcome.code == code(database) == "unknown_user"
    assert auth.passwordless is False
    assert "local" not in auth.providers
    assert not auth.password_login("admin")


def test_break_glass_lets_in_who_is_privileged(make_auth: MakeAuth, add: Callable[..., User], client: Client) -> None:
    """With ``break-glass`` the password of an account with a privileged role lets it in."""
    add(role="admin")
    auth = make_auth(**BREAK_GLASS)

    assert isinstance(auth.login("ann", PASSWORD, client), LoggedIn)
    assert (auth.password_login("admin"), auth.password_login("member")) == (True, False)


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
@pytest.mark.sec("ENUM-02")
def test_break_glass_lets_nobody_else_in(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database, password: str
) -> None:
    """Everybody else is refused before the password is compared: right and wrong look, and cost, the same."""
    add(role="member")
    auth = make_auth(**BREAK_GLASS)
    outcome = auth.login("ann", password, client)

    assert isinstance(outcome, Refused)
    assert outcome.code == code(database) == "password_login_off"


@pytest.mark.sec("ENUM-02")
def test_every_way_costs_one_hash(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused by the role, refused by the password, and unknown: each costs one comparison."""
    add(role="member")
    add("root", role="admin")
    auth = make_auth(**BREAK_GLASS)
    hashed: list[str] = []
    real = auth.hasher.verify

    def verify(clear: str, stored: str | None) -> Any:
        hashed.append(clear)
        return real(clear, stored)

    monkeypatch.setattr(auth.hasher, "verify", verify)
    counts = []
    for username in ("ann", "root", "nobody"):
        hashed.clear()
        auth.login(username, "wrong", client)
        counts.append(len(hashed))

    assert counts == [1, 1, 1]


def test_the_directory_gets_back_whom_it_owns(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """Somebody with an old local password who comes by a directory logs in there, where it lets nobody in any more."""
    directory = staff()
    ann = add(role="member", source="staff", source_id="id-ann")
    auth = make_auth(directory, **BREAK_GLASS)
    with database.unit() as db:
        rows: Any = auth.entities.identity
        db.add(rows(user_id=ann.id, source="staff", source_id="id-ann", issuer="test:staff", proof="session"))

    assert isinstance(auth.login("ann", "another", client), LoggedIn)
    assert isinstance(make_auth(directory).login("ann", "another", client), Refused)


def test_a_local_password_reaches_no_directory(make_auth: MakeAuth, add: Callable[..., User], client: Client) -> None:
    """The password of an account that is only local is shown to no directory, also where it lets nobody in."""
    add(role="member")
    directory = staff()
    make_auth(directory, **BREAK_GLASS).login("ann", PASSWORD, client)

    assert directory.asked == []


def test_the_role_counts_at_the_end_of_the_road(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """Who loses the privileged role between the password and a step does not get in."""
    add(role="admin", email="ann@example.org")
    auth = make_auth(**BREAK_GLASS, steps={"profile": ["realname"]})
    asked = auth.login("ann", PASSWORD, client)
    assert isinstance(asked, StepRequired)
    with database.unit() as db:
        db.execute(update(User).values(role="member"))
    outcome = auth.take_step(asked.transaction.id, asked.step, {"realname": "Ann"}, client)

    assert isinstance(outcome, Refused)
    assert outcome.code == "password_login_off"


def test_a_passkey_stands_in_for_a_password(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """An identity that is local by other means than a password is refused by the role as well."""
    ann = add(role="member")
    auth = make_auth(**BREAK_GLASS)
    identity = person("local", ann.id.hex, "ann", attributes={SEEN: fingerprint(ann.password_hash)})
    outcome = auth.road.complete(identity, Door(client=client))

    assert isinstance(outcome, Refused)
    assert outcome.code == code(database) == "password_login_off"
