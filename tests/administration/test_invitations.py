"""Links by which somebody chooses the own password."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.errors import InsecurePasswordError
from onegov_auth.models import as_key
from onegov_auth.outcomes import Done, Refused

PASSWORD = "seven blue herons on a dry roof"


def link(office: Any) -> str:
    """The token of the last mail."""
    return str(re.findall(r"choose-password\?token=(\S+)", "\n".join(office.mails()))[-1])


@pytest.fixture(name="invited")
def _invited(office: Any, root: Any) -> str:
    """The token of somebody who was just invited."""
    assert isinstance(office.auth.add_user(root, office.client, "New@example.org", "editor"), Done)
    return link(office)


@pytest.mark.sec("ASVS-6.4.6", "RESET-11")
def test_invited_person_chooses_the_password(office: Any, invited: str) -> None:
    """By the link of the mail, once; who invited can't log in as that person before, and no event has the token."""
    assert office.user("new@example.org").password_hash == ""
    assert office.auth.invitation_of(invited) == "new@example.org"
    with pytest.raises(InsecurePasswordError):
        office.auth.choose_password(invited, "short", office.client)
    assert isinstance(office.auth.choose_password(invited, PASSWORD, office.client), Done)
    assert office.auth.choose_password(invited, PASSWORD, office.client) == Refused("invalid_token")
    assert office.auth.invitation_of(invited) is None
    assert office.auth.login("new@example.org", PASSWORD, office.client).user.username == "new@example.org"
    assert office.user("new@example.org").email_verified
    assert invited not in str(office.events())
    assert [kind for kind, code, *_more in office.events() if code == "ok"][:3] == ["login", "user_added", "invited"]


@pytest.mark.sec("RESET-01")
def test_invitation_ends(office: Any, invited: str, clock: Any) -> None:
    """A week later the link is good for nothing."""
    clock.advance(timedelta(days=7).total_seconds() - 1)
    assert office.auth.invitation_of(invited) is not None
    clock.advance(2)
    assert office.auth.invitation_of(invited) is None
    assert office.auth.choose_password(invited, PASSWORD, office.client) == Refused("invalid_token")


@pytest.mark.sec("RESET-02")
def test_newer_link_and_deactivation_void_it(office: Any, root: Any, invited: str) -> None:
    """A newer link voids the older; nobody who is inactive chooses a password."""
    new = office.user("new@example.org").id
    assert isinstance(office.auth.invite_again(root, office.client, new), Done)
    second = link(office)
    assert office.auth.invitation_of(invited) is None
    assert office.auth.invitation_of(second) == "new@example.org"
    office.auth.set_active(root, office.client, new, active=False)
    assert office.auth.invitation_of(second) is None
    assert office.auth.invite_again(root, office.client, new) == Refused("no_address")


def test_link_to_a_new_password_ends_sessions(office: Any, root: Any, clock: Any) -> None:
    """For who has a password already the link is good as long as one asked for, and using it ends the sessions."""
    ann = office.person("ann@example.org")
    office.session("ann@example.org")
    office.auth.invite_again(root, office.client, ann)
    token = link(office)
    assert isinstance(office.auth.choose_password(token, PASSWORD, office.client), Done)
    with office.database.read() as db:
        assert list(office.auth.sessions.list(db, ann)) == []
    office.auth.invite_again(root, office.client, ann)
    clock.advance(office.auth.settings.recovery.valid.total_seconds() + 1)
    assert office.auth.invitation_of(link(office)) is None


@pytest.mark.sec("RESET-11")
def test_who_has_no_password_here_gets_no_link(make_office: Any, staff: Any) -> None:
    """Somebody of a provider, and somebody whose role logs in elsewhere, get none."""
    office = make_office(staff)
    root = office.session("root@example.org")
    dora = office.person("dora@example.org", source="staff", source_id="1", password_hash="")
    assert office.auth.invite_again(root, office.client, dora) == Refused("external_user")
    assert office.auth.invitation_of("nonsense") is None


@pytest.mark.sec("RATE-01")
def test_guessing_links_is_limited(office: Any, invited: str) -> None:
    """Tries are counted for each link, so that nobody uses up another one's."""
    codes = {office.auth.choose_password("guessed", PASSWORD, office.client).code for _ in range(40)}
    assert codes == {"invalid_token", "locked"}
    assert isinstance(office.auth.choose_password(invited, PASSWORD, office.client), Done | Refused)


@pytest.mark.parametrize(
    ("username", "role", "values", "code"),
    [
        ("root@example.org", "member", {}, "username_taken"),
        (" ", "member", {}, "bad_username"),
        ("x@example.org", "anonymous", {}, "role_above_you"),
        ("x@example.org", "member", {"email": "x"}, "bad_address"),
    ],
)
def test_who_can_not_be_added(office: Any, root: Any, username: str, role: str, values: Any, code: str) -> None:
    """A name that is taken or none, a role that is not to give, and an address that is none are refused."""
    result = office.auth.add_user(root, office.client, username, role, **values)

    assert isinstance(result, Refused)
    assert result.code == code
    assert office.mails() == []
    assert as_key(office.auth.entities.user, "x") is None


def test_without_an_address_nobody_is_invited(office: Any, root: Any) -> None:
    """An account of a plain name is made, and no mail is sent."""
    assert isinstance(office.auth.add_user(root, office.client, "printer", "member"), Done)
    assert office.mails() == []
    assert office.auth.invite_again(root, office.client, office.user("printer").id) == Refused("no_address")
