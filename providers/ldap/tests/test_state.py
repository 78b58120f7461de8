"""Accounts that may not be used, and refused binds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.policy import Policy
from onegov_auth_ldap.session import Answer
from onegov_auth_ldap.state import Fault, account_fault, bind_fault

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fault(**values: str) -> str | None:
    """The fault of an account with these values."""
    found = {name.lower(): (value.encode(),) for name, value in values.items()}
    return account_fault(Entry("uid=x,dc=org", found), NOW)


def ticks(moment: datetime) -> int:
    """A moment as Active Directory counts it."""
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 10


def test_an_ordinary_account_has_no_fault() -> None:
    """Without any attribute about its state an account may be used."""
    assert fault() is None


@pytest.mark.sec("LDAP-39", "LDAP-10")
@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (512, None),
        (514, "account_disabled"),
        (66048, None),
        (66050, "account_disabled"),
        (8389120, "password_expired"),
        (262656, None),
        (-2147483136, None),
        (-2147483134, "account_disabled"),
    ],
)
def test_user_account_control_counts(control: int, expected: str | None) -> None:
    """The bits "disabled" and "password expired" are seen among others, and in a signed number."""
    assert fault(userAccountControl=str(control)) == expected


@pytest.mark.sec("LDAP-40")
@pytest.mark.parametrize(
    "name",
    ["userAccountControl", "accountExpires", "shadowExpire", "pwdLastSet", "msDS-User-Account-Control-Computed"],
)
@pytest.mark.parametrize("value", ["", "x", "1.5", " 512", "0x200", "9" * 20])
def test_an_unreadable_state_is_no(name: str, value: str) -> None:
    """A number that can't be read does not let anybody in."""
    assert fault(**{name: value}) == "account_state_unreadable"


@pytest.mark.sec("LDAP-40")
def test_two_states_are_no() -> None:
    """An account that is both enabled and disabled is not enabled."""
    person = Entry("uid=x,dc=org", {"useraccountcontrol": (b"512", b"514")})

    assert account_fault(person, NOW) == "account_state_unreadable"


@pytest.mark.sec("LDAP-41")
@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        (0, None),
        (0x7FFFFFFFFFFFFFFF, None),
        (ticks(NOW) - 10, "account_expired"),
        (ticks(NOW), "account_expired"),
        (ticks(NOW) + 10, None),
        (-1, "account_state_unreadable"),
        (0x7FFFFFFFFFFFFFFE, "account_state_unreadable"),
    ],
)
def test_account_expires_counts_to_the_tick(expires: int, expected: str | None) -> None:
    """An account ends at its moment; nothing and the largest number are never."""
    assert fault(accountExpires=str(expires)) == expected


@pytest.mark.sec("LDAP-50")
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("nsAccountLock", "TRUE", "account_disabled"),
        ("nsAccountLock", "false", None),
        ("loginDisabled", "TRUE", "account_disabled"),
        ("loginDisabled", "FALSE", None),
        ("pwdAccountLockedTime", "000001010000Z", "account_locked"),
        ("pwdAccountLockedTime", "20260301110000Z", None),
        ("shadowExpire", "-1", None),
        ("shadowExpire", "0", "account_expired"),
        ("shadowExpire", str((NOW - datetime(1970, 1, 1, tzinfo=UTC)).days), "account_expired"),
        ("shadowExpire", str((NOW - datetime(1970, 1, 1, tzinfo=UTC)).days + 1), None),
    ],
)
def test_other_products_have_their_states(name: str, value: str, expected: str | None) -> None:
    """389-DS, FreeIPA, eDirectory, OpenLDAP and RFC 2307 say it in their own way."""
    assert fault(**{name: value}) == expected


@pytest.mark.sec("LDAP-43", "LDAP-44", "LDAP-39")
@pytest.mark.parametrize(
    ("control", "computed", "expected"),
    [
        (512, 0, None),
        (528, 0, None),
        (512, 0x10, "account_locked"),
        (512, 0x800000, "password_expired"),
        (514, 0x800010, "account_disabled"),
        (66048, 0, None),
    ],
)
def test_active_directory_computes_lock_and_age(control: int, computed: int, expected: str | None) -> None:
    """Lockout and age of the password are what the server computed, whichever policy it applies."""
    values = {"userAccountControl": str(control), "msDS-User-Account-Control-Computed": str(computed)}

    assert fault(**values) == expected


@pytest.mark.sec("LDAP-42")
@pytest.mark.parametrize(
    ("control", "last_set", "expected"),
    [(512, "0", "password_must_change"), (66048, "0", None), (512, "133000000000000000", None), (512, "-1", None)],
)
def test_a_password_that_was_never_set_must_be_changed(control: int, last_set: str, expected: str | None) -> None:
    """A zero in pwdLastSet asks for a change, unless the password never expires."""
    assert fault(userAccountControl=str(control), pwdLastSet=last_set) == expected


@pytest.mark.sec("LDAP-47")
@pytest.mark.parametrize(
    ("subcode", "expected"),
    [
        ("525", Fault("wrong_password")),
        ("52e", Fault("wrong_password")),
        ("52E", Fault("wrong_password")),
        ("530", Fault("not_allowed_now", proven=True)),
        ("531", Fault("not_allowed_here", proven=True)),
        ("532", Fault("password_expired", proven=True)),
        ("533", Fault("account_disabled", proven=True)),
        ("701", Fault("account_expired", proven=True)),
        ("773", Fault("password_must_change", proven=True)),
        ("775", Fault("account_locked")),
        ("0", Fault("wrong_password")),
    ],
)
def test_active_directory_says_why(subcode: str, expected: Fault) -> None:
    """The number behind "data" becomes a code of ours; all but the lock are looked at after the password."""
    text = f"80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data {subcode}, v4563"

    assert bind_fault(Answer(49, "invalidCredentials", text)) == expected


@pytest.mark.sec("LDAP-48", "LDAP-49")
@pytest.mark.parametrize(
    ("code", "error", "expected"),
    [
        (0, None, None),
        (0, 0, Fault("password_expired", proven=True)),
        (0, 1, Fault("account_locked", proven=True)),
        (0, 2, Fault("password_must_change", proven=True)),
        (0, 7, Fault("bind_refused", proven=True)),
        (49, 0, Fault("password_expired", proven=True)),
        (49, 1, Fault("account_locked")),
        (49, 2, Fault("password_expired", proven=True)),
        (49, 7, Fault("wrong_password")),
        (49, None, Fault("wrong_password")),
        (53, 0, Fault("bind_refused")),
    ],
)
def test_a_password_policy_says_why(code: int, error: int | None, expected: Fault | None) -> None:
    """With a success no error of the policy lets anybody in; with a refusal it is the reason."""
    assert bind_fault(Answer(code, "x", policy=Policy(error=error))) == expected


@pytest.mark.sec("LDAP-35")
@pytest.mark.parametrize("code", [1, 2, 3, 7, 8, 10, 11, 13, 51, 52, 80, 81, 118])
def test_trouble_is_no_refusal(code: int) -> None:
    """Codes that say nothing about the person are not turned into a wrong password."""
    assert bind_fault(Answer(code, "other")) is None
