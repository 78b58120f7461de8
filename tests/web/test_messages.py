from __future__ import annotations

import pytest

from onegov_auth.outcomes import Refused, Unavailable
from onegov_auth.providers import Provider
from onegov_auth.testing.providers import KnownIssuer, KnownPeople
from onegov_auth.web.messages import password_message, provider_message, unavailable_message

CODES = [
    "unknown_user",
    "wrong_password",
    "inactive",
    "no_password",
    "no_role",
    "empty_password",
    "conflict",
    "whatever",
    "account_disabled",
    "account_expired",
    "account_locked",
    "password_expired",
    "password_must_change",
    "not_allowed_now",
    "not_allowed_here",
]


@pytest.mark.sec("ENUM-01", "ASVS-6.3.8", "ASVS-16.5.1")
def test_every_wrong_password_reads_the_same() -> None:
    """Whatever is wrong with a name and a password, there is one sentence for it."""
    assert len({password_message(Refused(code)) for code in CODES}) == 1


@pytest.mark.sec("LDAP-47", "LDAP-48", "LDAP-52")
def test_the_state_of_an_account_is_for_who_knows_its_password() -> None:
    """Once the password was right each state of the account has a sentence; what is no state never has."""
    neutral = password_message(Refused("wrong_password"))
    told = {code for code in CODES if password_message(Refused(code, proven=True)) != neutral}

    assert told == set(CODES[-7:])
    assert "expired" in password_message(Refused("password_expired", proven=True))


def test_provider_says_what_one_can_do() -> None:
    """Who proved who they are is told that they cancelled or have no access; the rest is one sentence."""
    texts = {code: provider_message(Refused(code)) for code in ("access_denied", "no_role", "conflict", "whatever")}

    assert "cancelled" in texts["access_denied"]
    assert "no access" in texts["no_role"]
    assert texts["conflict"] == texts["whatever"]


@pytest.mark.parametrize(("seconds", "text"), [(1, "in a minute"), (60, "in a minute"), (61, "in 2 minutes")])
def test_who_has_to_wait_is_told_how_long(seconds: int, text: str) -> None:
    """Minutes are rounded up."""
    for message in (password_message, provider_message):
        assert text in message(Refused("locked", retry_after=seconds))
        assert "choose a new password" in message(Refused("locked_out"))


def test_directory_that_is_down_has_its_own_sentence() -> None:
    """Nobody is told that their password is wrong when nobody could ask, and local users know they get in."""
    providers: dict[str, Provider] = {"staff": KnownPeople(name="staff"), "company": KnownIssuer(name="company")}

    assert unavailable_message(Unavailable("staff"), providers) == (
        "The directory can't be reached right now. Local accounts still work."
    )
    assert "login service can't be reached" in unavailable_message(Unavailable("company"), providers)
    assert "login service can't be reached" in unavailable_message(Unavailable("gone"), providers)
