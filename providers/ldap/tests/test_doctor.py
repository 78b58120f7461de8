"""What ``onegov-auth check`` says of a directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from onegov_auth.providers import Check, CheckState
from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.hostile_ldap import Ask, HostileLDAP, Reply, entry, message
from onegov_auth_ldap import LDAPProvider


def steps(provider: LDAPProvider, login: str | None = None) -> dict[str, Check]:
    """The steps by their first word."""
    return {step.name.split()[0]: step for step in provider.check(login)}


def test_a_healthy_directory_is_told(make: Callable[..., LDAPProvider], slapd: Slapd) -> None:
    """Settings, server, people and somebody's groups are looked at, with the time each took."""
    found = steps(make(roles={"admin": ["admins"], "editor": ["editors"]}), "bob@example.org")

    assert {step.state for step in found.values()} == {CheckState.OK}
    walked = ["settings", "dns", "tcp", "tls", "bind", "server", "people", "id", "attributes", "groups", "login"]
    assert list(found) == walked
    assert "cn=editors,ou=groups,dc=example,dc=org" in found["login"].detail
    assert found["bind"].seconds > 0


def test_no_verification_is_a_warning(make: Callable[..., LDAPProvider]) -> None:
    """Whoever switched verification off is reminded."""
    assert steps(make(tls={"verify": False}))["settings"].state is CheckState.WARNING


@pytest.mark.parametrize(
    ("changes", "step", "text"),
    [
        ({"servers": ["ldaps://localhost:1"]}, "tcp", "connect"),
        ({"tls": {"ca_file": None}}, "tls", "tls"),
        ({"bind": {"password": "wrong-canary"}}, "bind", "service_bind"),
        ({"people": {"base": "ou=nowhere,dc=example,dc=org"}}, "people", "no_such_base"),
        ({"people": {"filter": "(uid=nobody)"}}, "people", "nobody below"),
        ({"attributes": {"id": "employeeNumber"}}, "id", "has no key"),
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
    assert hint in steps(make(**changes))["tls"].hint


def test_one_of_two_servers_is_enough(make: Callable[..., LDAPProvider], slapd: Slapd) -> None:
    """A server that is down is told, and the other one asked."""
    found = list(make(servers=["ldaps://localhost:1", slapd.ldaps_url]).check())

    failed = [step.name for step in found if step.state is CheckState.FAILED]
    assert failed == ["tcp ldaps://localhost:1"]
    assert found[-1].name == "groups"


def test_without_servers_the_rest_is_skipped(make: Callable[..., LDAPProvider]) -> None:
    """Where no server answers nobody is looked for."""
    assert steps(make(servers=["ldaps://localhost:1"]))["people"].state is CheckState.SKIPPED


def test_without_a_service_account_the_rest_is_skipped(make: Callable[..., LDAPProvider]) -> None:
    """With a template only the way to the server can be looked at."""
    provider = make(bind=None, dn_template="uid={username},ou=people,dc=example,dc=org")

    assert steps(provider)["people"].detail == "no service account is configured"


@pytest.mark.parametrize("login", ["nobody", "*", "\0"])
def test_an_unknown_person_is_told(make: Callable[..., LDAPProvider], login: str) -> None:
    """Somebody who is not found is a failed step that says where to look."""
    step = steps(make(), login)["login"]

    assert (step.state, step.identity) == (CheckState.FAILED, None)
    assert "people.filter" in step.hint


def test_an_ambiguous_person_is_told(make: Callable[..., LDAPProvider]) -> None:
    """A name of several people is a failed step."""
    assert "several entries" in steps(make(attributes={"login": ["objectClass"]}), "person")["login"].hint


def test_somebody_who_is_found_is_handed_on(make: Callable[..., LDAPProvider]) -> None:
    """The identity goes along, so that the command can tell the account; no password was needed."""
    identity = steps(make(), "bob@example.org")["login"].identity

    assert identity is not None
    assert (identity.source, identity.username) == ("staff", "bob@example.org")


def test_somebody_who_may_not_in_is_told(make: Callable[..., LDAPProvider]) -> None:
    """Whoever lacks the required group is a failed step that names the key."""
    assert "require_group" in steps(make(require_group="admins"), "eve@example.org")["login"].hint


@pytest.mark.parametrize(
    "missing", ["nobodys", "cn=nobodys,ou=groups,dc=example,dc=org", "cn=x,ou=nowhere,dc=example,dc=org"]
)
def test_a_group_that_is_not_there_is_told(make: Callable[..., LDAPProvider], missing: str) -> None:
    """A misspelled group in roles is found before somebody misses their role."""
    step = steps(make(roles={"admin": ["admins", missing]}))["groups"]

    assert step.state is CheckState.WARNING
    assert step.detail.endswith(f"not found: {missing}")


def test_a_missing_base_of_groups_is_told(make: Callable[..., LDAPProvider]) -> None:
    """A base of groups that is not there is a failed step, not a list of missing groups."""
    step = steps(make(groups={"base": "ou=nowhere,dc=example,dc=org"}))["groups"]

    assert (step.state, "no_such_base" in step.detail) == (CheckState.FAILED, True)


def test_a_group_without_a_base_is_looked_up_by_its_name(make: Callable[..., LDAPProvider], slapd: Slapd) -> None:
    """Without a base of groups only full names can be named, and are looked up."""
    named = f"cn=admins,{slapd.groups_base}"
    provider = make(groups={"base": None}, roles={"admin": [named]})

    assert steps(provider)["groups"].state is CheckState.OK


def test_people_without_a_username_are_told(make: Callable[..., LDAPProvider]) -> None:
    """Somebody who has nothing that could be a username is a warning with the key."""
    step = steps(make(attributes={"username": "employeeNumber"}))["attributes"]

    assert step.state is CheckState.WARNING
    assert "attributes.username" in step.detail


def test_how_many_people_there_are_is_told(make: Callable[..., LDAPProvider]) -> None:
    """The number of people and some of their names are told, as a look at the search and its filter."""
    assert steps(make())["people"].detail.startswith("5 below ou=people,dc=example,dc=org: alice@example.org, ")


def test_a_style_that_was_chosen_is_told(make: Callable[..., LDAPProvider]) -> None:
    """The configured way to read groups is named."""
    assert steps(make(groups={"style": "memberof"}))["groups"].detail.startswith("style memberof")


def test_a_server_without_pages_is_a_warning(facing: Callable[..., LDAPProvider]) -> None:
    """A server that offers no paged results is told, because a sync ends at its size limit."""

    def script(ask: Ask) -> Sequence[Reply]:
        found = [message(ask.id, entry("", {"vendorName": [b"old"]}))] if ask.kind == "search" else []
        return [*found, ask.answer()]

    with HostileLDAP(script) as server:
        assert "no paged results" in steps(facing(server))["server"].detail
