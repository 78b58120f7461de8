"""Logins that OpenLDAP's password policy has something to say about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onegov_auth.providers import Password, Refused, VerifiedIdentity
from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.ldif import modify_record
from onegov_auth_ldap import LDAPProvider

SECRET = "frieda-secret"


@pytest.fixture
def frieda(slapd: Slapd) -> Iterator[str]:
    """The DN of somebody under the strict policy, which ends with the test."""
    dn = slapd.dn("frieda")
    person = {"objectClass": "inetOrgPerson", "cn": "Frieda", "sn": "Frei", "mail": "frieda@example.org"}
    slapd.add_entry(dn, {**person, "userPassword": SECRET, "pwdPolicySubentry": slapd.policy_dn})
    yield dn
    slapd.delete(dn)


@pytest.fixture
def policy(slapd: Slapd) -> Iterator[Callable[..., None]]:
    """Changes the strict policy until the end of the test."""
    changed: set[str] = set()

    def policy(**values: str) -> None:
        changed.update(values)
        slapd.modify(slapd.policy_dn, values)

    yield policy
    slapd.modify(slapd.policy_dn, {name: [] for name in changed})


@pytest.fixture
def log_in(make: Callable[..., LDAPProvider]) -> Callable[..., Any]:
    """A login as Frieda."""
    provider = make()

    def log_in(password: str = SECRET) -> object:
        return provider.authenticate("frieda", Password(password))

    return log_in


@pytest.fixture
def age(slapd: Slapd, frieda: str) -> Callable[..., None]:
    """Makes Frieda's password older than the day it may be used, or as old as said."""

    def age(hours: int = 100) -> None:
        changed = datetime.now(UTC) - timedelta(hours=hours)
        slapd.change(modify_record(frieda, {"pwdChangedTime": f"{changed:%Y%m%d%H%M%SZ}"}), "-e", "relax")

    return age


def told(outcome: object) -> tuple[str, bool]:
    """The code of a refusal, and whether the person may be told."""
    assert isinstance(outcome, Refused), outcome
    return outcome.code, outcome.proven


@pytest.mark.sec("LDAP-48", "LDAP-52")
@pytest.mark.usefixtures("frieda")
def test_a_locked_account_is_refused(log_in: Callable[..., object]) -> None:
    """After too many failures the right password is refused too; the log knows why, the person is told nothing."""
    wrong = [told(log_in("wrong")) for _ in range(3)]

    assert wrong == [("wrong_password", False)] * 3
    assert told(log_in()) == ("account_locked", False)
    assert told(log_in("wrong")) == ("account_locked", False)


@pytest.mark.sec("LDAP-48")
def test_an_expired_password_is_refused(age: Callable[..., None], log_in: Callable[..., object]) -> None:
    """Who knows the password is told that it expired, who doesn't learns nothing."""
    age()

    assert told(log_in()) == ("password_expired", True)
    assert told(log_in("wrong")) == ("wrong_password", False)


@pytest.mark.sec("LDAP-48")
def test_a_login_costs_one_grace_login(
    age: Callable[..., None], policy: Callable[..., None], log_in: Callable[..., object]
) -> None:
    """An expired password works as often as the directory allows, and the log says how often it still does."""
    policy(pwdGraceAuthNLimit="2")
    age()
    steps = []
    for _ in range(2):
        identity = log_in()
        assert isinstance(identity, VerifiedIdentity), identity
        steps += [step.detail for step in identity.steps if step.name == "bind"]

    assert steps == ["success, 1 grace logins left", "success, 0 grace logins left"]
    assert told(log_in()) == ("password_expired", True)


@pytest.mark.sec("LDAP-48")
def test_a_password_that_must_be_changed_is_refused(slapd: Slapd, frieda: str, log_in: Callable[..., object]) -> None:
    """After a reset the bind succeeds, and nobody gets in by it."""
    slapd.modify(frieda, {"pwdReset": "TRUE"})

    assert told(log_in()) == ("password_must_change", True)
    assert told(log_in("wrong")) == ("wrong_password", False)


def test_a_password_that_expires_soon_is_noted(
    age: Callable[..., None], policy: Callable[..., None], log_in: Callable[..., object]
) -> None:
    """The log has the seconds that are left."""
    policy(pwdExpireWarning="86400")
    age(hours=23)
    identity = log_in()

    assert isinstance(identity, VerifiedIdentity), identity
    assert [step.detail[:34] for step in identity.steps if step.name == "bind"] == [
        "success, the password expires in 3"
    ]


@pytest.mark.sec("LDAP-48")
def test_the_service_account_is_held_to_it_too(slapd: Slapd, frieda: str, make: Callable[..., LDAPProvider]) -> None:
    """A service account whose password must be changed can't search; nobody is told that theirs is wrong."""
    slapd.modify(frieda, {"pwdReset": "TRUE"})
    outcome = make(bind={"dn": frieda, "password": SECRET}).authenticate("alice", Password("x"))

    assert not isinstance(outcome, VerifiedIdentity | Refused)
    assert (outcome.code, outcome.steps[-1].detail) == ("service_bind", "success: password_must_change")
