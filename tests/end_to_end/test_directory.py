"""The whole road behind a real Active Directory domain: who becomes which user, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.domain import Client
from onegov_auth.models import AuthEvent, LoginAttempt, User
from onegov_auth.outcomes import LoggedIn, Outcome, Refused, Unavailable
from onegov_auth.testing.servers import SambaAD
from onegov_auth.testing.servers.domain import SECRET, quoted
from onegov_auth.web.messages import password_message

#: What differs between databases is tested elsewhere.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PASSWORD = "correct horse battery staple"
NEUTRAL = "You could not be logged in. Please check your username and password."


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth], samba_ad: SambaAD) -> Iterator[Auth]:
    """The road, with local passwords and the domain."""
    staff = {
        "kind": "ldap",
        "servers": [samba_ad.ldaps_url],
        "tls": {"ca_file": str(samba_ad.ca_file)},
        "bind": {"dn": samba_ad.service_dn, "password": samba_ad.service_password},
        "people": {"base": samba_ad.base, "filter": "(objectClass=user)"},
        "groups": {"base": samba_ad.groups_base},
        "attributes": {"username": "userPrincipalName", "login": ["sAMAccountName", "mail", "userPrincipalName"]},
        "roles": {"admin": ["admins", "nested-4"], "editor": ["around-primary"], "member": ["*"]},
    }
    auth = make_auth(providers={"local": {"kind": "local"}, "staff": staff})
    yield auth
    auth.resources.clear()


@pytest.fixture(name="frieda")
def _frieda(samba_ad: SambaAD) -> Iterator[str]:
    """The DN of somebody who is there for one test."""
    dn = samba_ad.dn("Frieda")
    add_frieda(samba_ad)
    yield dn
    samba_ad.delete(dn)


def add_frieda(samba: SambaAD) -> None:
    """Make her account."""
    account = {"objectClass": "user", "sAMAccountName": "frieda", "userPrincipalName": "frieda@ad.example.org"}
    password: dict[str, Any] = {"unicodePwd": quoted(SECRET), "userAccountControl": "512", "mail": "f@example.org"}
    samba.add_entry(samba.dn("Frieda"), {**account, **password})


def user_of(outcome: Outcome) -> Any:
    """Who got in."""
    assert isinstance(outcome, LoggedIn), outcome
    return outcome.user


def last_event(auth: Auth) -> Any:
    """The newest line of the event log."""
    with auth.database.read() as db:
        return db.scalars(select(AuthEvent).order_by(AuthEvent.id.desc())).first()


@pytest.mark.sec("LDAP-53", "LDAP-54")
@pytest.mark.parametrize(("name", "role"), [("deep", "admin"), ("lone", "member")])
def test_groups_give_the_role(auth: Auth, client: Client, name: str, role: str) -> None:
    """Somebody who is in the fourth group around is an administrator, somebody in none of them is not."""
    assert user_of(auth.login(name, SECRET, client)).role == role


@pytest.mark.sec("LDAP-54")
def test_a_primary_group_gives_the_role(auth: Auth, client: Client, samba_ad: SambaAD) -> None:
    """What the primary group is in counts as any other group."""
    assert user_of(auth.login("dario", samba_ad.person("dario").password, client)).role == "editor"


@pytest.mark.sec("LDAP-63", "LDAP-64")
def test_every_spelling_is_one_user(auth: Auth, client: Client, frieda: str) -> None:
    """By account name, mail or principal name, in any case, it is one user."""
    typed = ["frieda", "FRIEDA ", "F@example.org", "frieda@AD.example.org"]

    assert len({user_of(auth.login(name, SECRET, client)).id for name in typed}) == 1


@pytest.mark.sec("LDAP-64")
def test_spellings_of_a_name_share_a_budget(auth: Auth, client: Client) -> None:
    """Other cases, widths and blanks give no further tries."""
    for typed in ("no-such-person", "NO-such-person", " no-such-person ", "ｎo-such-person"):
        auth.login(typed, "wrong", client)
    with auth.database.read() as db:
        assert len(set(db.scalars(select(LoginAttempt.user_input)))) == 1


@pytest.mark.sec("LDAP-67", "LINK-05")
def test_a_rename_in_the_directory_renames_the_user(auth: Auth, client: Client, samba_ad: SambaAD, frieda: str) -> None:
    """Another account name and another place: the same user, under the new name."""
    before = user_of(auth.login("frieda", SECRET, client))
    moved = f"CN=Müller\\, Frieda,OU=leavers,{samba_ad.base}"
    samba_ad.move(frieda, "CN=Müller\\, Frieda", f"OU=leavers,{samba_ad.base}")
    try:
        samba_ad.modify(moved, {"sAMAccountName": "mueller", "userPrincipalName": "mueller@ad.example.org"})
        after = user_of(auth.login("mueller", SECRET, client))
    finally:
        samba_ad.move(moved, "CN=Frieda", samba_ad.people_base)

    assert (before.id, before.username, after.username) == (
        after.id,
        "frieda@ad.example.org",
        "mueller@ad.example.org",
    )


@pytest.mark.sec("LDAP-67", "LINK-05")
def test_somebody_else_of_the_same_name_is_a_conflict(
    auth: Auth, client: Client, samba_ad: SambaAD, frieda: str
) -> None:
    """Who gets the name of somebody who left is refused instead of inheriting the account."""
    first = user_of(auth.login("frieda", SECRET, client))
    samba_ad.delete(frieda)
    add_frieda(samba_ad)
    outcome = auth.login("frieda", SECRET, client)

    assert isinstance(outcome, Refused)
    assert outcome.code == last_event(auth).code == "conflict"
    with auth.database.read() as db:
        assert db.scalars(select(User.id).where(User.username_key == "frieda@ad.example.org")).all() == [first.id]


@pytest.mark.sec("LDAP-59")
def test_a_group_that_is_lost_takes_the_role_along(auth: Auth, client: Client, samba_ad: SambaAD, frieda: str) -> None:
    """Who leaves the administrators' group is no administrator at the next login."""
    admins = f"CN=admins,{samba_ad.groups_base}"
    samba_ad.modify(admins, {"member": [samba_ad.dn("Alice Amsler"), frieda]})
    before = user_of(auth.login("frieda", SECRET, client)).role
    samba_ad.modify(admins, {"member": samba_ad.dn("Alice Amsler")})

    assert (before, user_of(auth.login("frieda", SECRET, client)).role) == ("admin", "member")


@pytest.mark.sec("LDAP-47", "LDAP-52", "ENUM-01")
@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("disabled", "account_disabled", "Your account is disabled."),
        ("ended", "account_expired", "Your account has expired."),
        ("stale", "password_expired", "Your password has expired."),
        ("fresh", "password_must_change", "Your password has to be changed first."),
    ],
)
def test_the_person_is_told_once_the_password_was_right(
    auth: Auth, client: Client, name: str, code: str, told: str
) -> None:
    """The log always has the code; the words are neutral until somebody knows the password."""
    wrong = auth.login(name, "wrong", client)
    right = auth.login(name, SECRET, client)

    assert isinstance(wrong, Refused)
    assert isinstance(right, Refused)
    assert (password_message(wrong), right.code, last_event(auth).code) == (NEUTRAL, code, code)
    assert password_message(right).startswith(told)


@pytest.mark.sec("LDAP-43", "LDAP-52")
def test_a_lock_is_in_the_log_only(auth: Auth, client: Client, samba_ad: SambaAD) -> None:
    """Somebody who guesses does not learn that the directory locked the account."""
    for _ in range(3):
        auth.login("guessed", "wrong", client)
    outcome = auth.login("guessed", SECRET, client)
    samba_ad.unlock(samba_ad.dn("Gina Guessed"))

    assert isinstance(outcome, Refused)
    assert (password_message(outcome), last_event(auth).code) == (NEUTRAL, "account_locked")


@pytest.mark.sec("LDAP-35")
def test_a_domain_that_is_down_is_nobodys_fault(
    auth: Auth, client: Client, samba_ad: SambaAD, add: Callable[..., User]
) -> None:
    """Nobody is told that their password is wrong, no user is made, no try is counted; local people get in."""
    add("ann", role="admin")
    samba_ad.stop()
    try:
        outcome = auth.login("lone", SECRET, client)
        local = auth.login("ann", PASSWORD, client)
    finally:
        samba_ad.start()
    with auth.database.read() as db:
        attempts = db.scalars(select(LoginAttempt.success).where(LoginAttempt.user_input == "lone")).all()
        users = db.scalars(select(User.username)).all()

    assert isinstance(outcome, Unavailable)
    assert (attempts, users) == ([None], ["ann"])
    assert user_of(local).role == "admin"
