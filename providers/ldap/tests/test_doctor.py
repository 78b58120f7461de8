"""What ``onegov-auth check`` says of a directory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onegov_auth.providers import Check, CheckState
from onegov_auth.testing.servers import Slapd
from onegov_auth_ldap import LDAPProvider


def steps(provider: LDAPProvider, login: str | None = None) -> dict[str, Check]:
    """The steps by their first word."""
    return {step.name.split()[0]: step for step in provider.check(login)}


def test_a_healthy_directory_is_told(make: Callable[..., LDAPProvider], slapd: Slapd) -> None:
    """Settings, server, people and somebody's groups are looked at, with the time each took."""
    found = steps(make(), "bob@example.org")

    assert {step.state for step in found.values()} == {CheckState.OK}
    assert list(found) == ["settings", "server", "people", "login"]
    assert "cn=editors,ou=groups,dc=example,dc=org" in found["login"].detail
    assert found["server"].seconds > 0


def test_no_verification_is_a_warning(make: Callable[..., LDAPProvider]) -> None:
    """Whoever switched verification off is reminded."""
    assert steps(make(tls={"verify": False}))["settings"].state is CheckState.WARNING


@pytest.mark.parametrize(
    ("changes", "step", "text"),
    [
        ({"servers": ["ldaps://localhost:1"]}, "server", "connect"),
        ({"tls": {"ca_file": None}}, "server", "tls"),
        ({"bind": {"password": "wrong-canary"}}, "people", "service_bind"),
        ({"people": {"base": "ou=nowhere,dc=example,dc=org"}}, "people", "no_such_base"),
        ({"people": {"filter": "(uid=nobody)"}}, "people", "nobody below"),
        ({"attributes": {"id": "employeeNumber"}}, "people", "has no key"),
    ],
)
@pytest.mark.sec("LDAP-68")
def test_what_is_wrong_is_told(
    make: Callable[..., LDAPProvider], changes: dict[str, object], step: str, text: str
) -> None:
    """The step that fails says why, without a secret."""
    found = steps(make(**changes))

    assert found[step].state is CheckState.FAILED
    assert text in found[step].detail
    assert "wrong-canary" not in repr(found)


@pytest.mark.parametrize(("changes", "hint"), [({"tls": {"ca_file": None}}, "tls.ca_file")])
def test_what_to_change_is_told(make: Callable[..., LDAPProvider], changes: dict[str, object], hint: str) -> None:
    """A failed step names the key to look at."""
    assert hint in steps(make(**changes))["server"].hint


def test_one_of_two_servers_is_enough(make: Callable[..., LDAPProvider], slapd: Slapd) -> None:
    """A server that is down is told, and the other one asked."""
    found = list(make(servers=["ldaps://localhost:1", slapd.ldaps_url]).check())

    assert [step.state for step in found] == [CheckState.OK, CheckState.FAILED, CheckState.OK, CheckState.OK]


def test_without_servers_the_rest_is_skipped(make: Callable[..., LDAPProvider]) -> None:
    """Where no server answers nobody is looked for."""
    assert steps(make(servers=["ldaps://localhost:1"]))["people"].state is CheckState.SKIPPED


def test_without_a_service_account_the_rest_is_skipped(make: Callable[..., LDAPProvider]) -> None:
    """With a template only the way to the server can be looked at."""
    provider = make(bind=None, dn_template="uid={username},ou=people,dc=example,dc=org")

    assert steps(provider)["people"].detail == "no service account is configured"


@pytest.mark.parametrize(("login", "text"), [("nobody", "0 entries match"), ("*", "0 entries"), ("\0", "0 entries")])
def test_an_unknown_person_is_told(make: Callable[..., LDAPProvider], login: str, text: str) -> None:
    """Somebody who is not found is a failed step."""
    assert text in steps(make(), login)["login"].detail


def test_an_ambiguous_person_is_told(make: Callable[..., LDAPProvider]) -> None:
    """A name of several people is a failed step."""
    assert "2 entries match" in steps(make(attributes={"login": ["objectClass"]}), "person")["login"].detail
