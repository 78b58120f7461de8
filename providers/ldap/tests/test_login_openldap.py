"""Logins against a real OpenLDAP."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from onegov_auth.providers import Password, Refused, Unavailable, VerifiedIdentity
from onegov_auth.testing.servers import Slapd
from onegov_auth_ldap import LDAPProvider

Outcome = VerifiedIdentity | Refused | Unavailable
Added = Callable[[str, dict[str, Any]], AbstractContextManager[None]]


def person(**attributes: Any) -> dict[str, Any]:
    """The attributes of a person."""
    return {"objectClass": "inetOrgPerson", "cn": "x", "sn": "Muster", "userPassword": "frieda-secret", **attributes}


def code_of(outcome: Outcome) -> str:
    """The code of what is no login."""
    assert not isinstance(outcome, VerifiedIdentity), outcome
    return outcome.code


@pytest.mark.parametrize("typed", ["alice", "ALICE", "alice@example.org", " alice "])
@pytest.mark.sec("LDAP-63", "LDAP-64")
def test_every_spelling_is_one_person(slapd: Slapd, make: Callable[..., LDAPProvider], typed: str) -> None:
    """By uid or mail, in any case, the person and their name come from the directory."""
    identity = make().authenticate(typed, Password(slapd.person("alice").password))

    assert isinstance(identity, VerifiedIdentity)
    assert (identity.username, identity.realname) == ("alice@example.org", "Alice Amsler")


def test_what_is_told_of_a_person(slapd: Slapd, make: Callable[..., LDAPProvider]) -> None:
    """Attributes, method and steps come along; the password and state attributes don't."""
    identity = make().authenticate("bob", Password(slapd.person("bob").password))

    assert isinstance(identity, VerifiedIdentity)
    assert identity.attributes == {
        "dn": slapd.dn("bob"),
        "mail": ("bob@example.org",),
        "uid": ("bob",),
        "givenName": ("Bob",),
        "sn": ("Brunner",),
    }
    assert identity.authn.methods == {"pwd"}
    assert [(step.name, step.detail) for step in identity.steps] == [
        ("search", "1 found"),
        ("bind", "success"),
        ("groups", "4 names"),
    ]


def test_the_name_may_have_fallbacks(slapd: Slapd, make: Callable[..., LDAPProvider]) -> None:
    """The first attribute with a value names a new user."""
    provider = make(attributes={"username": ["displayName", "uid"]})
    identity = provider.authenticate("bob", Password(slapd.person("bob").password))

    assert isinstance(identity, VerifiedIdentity)
    assert identity.username == "bob"


@pytest.mark.parametrize(("domains", "verified"), [([], False), (["other.org"], False), (["Example.org"], True)])
def test_an_address_is_verified_by_its_authority_only(
    slapd: Slapd, make: Callable[..., LDAPProvider], domains: list[str], verified: bool
) -> None:
    """Only in link_domains does the directory vouch for an address."""
    identity = make(link_domains=domains).authenticate("bob", Password(slapd.person("bob").password))

    assert isinstance(identity, VerifiedIdentity)
    assert identity.email_verified is verified


@pytest.mark.sec("LDAP-14")
@pytest.mark.parametrize("typed", ["*", "a*", "alic?", "(uid=alice)", "alice)(uid=*", "\\61lice", "uid=alice"])
def test_nothing_that_is_typed_is_a_pattern(slapd: Slapd, make: Callable[..., LDAPProvider], typed: str) -> None:
    """With the right password of the first entry, a wildcard or a filter finds nobody."""
    assert code_of(make().authenticate(typed, Password(slapd.person("alice").password))) == "unknown_user"


@pytest.mark.sec("LDAP-65", "LDAP-62")
def test_two_people_of_one_name_are_refused(slapd: Slapd, added: Added, make: Callable[..., LDAPProvider]) -> None:
    """Somebody whose mail is another's uid makes that name ambiguous, and nobody gets in by it."""
    with added(slapd.dn("frieda"), person(mail="alice")):
        assert code_of(make().authenticate("alice", Password("frieda-secret"))) == "ambiguous_user"
        assert code_of(make().authenticate("alice", Password(slapd.person("alice").password))) == "ambiguous_user"


@pytest.mark.sec("LDAP-17", "LDAP-15")
def test_a_name_full_of_special_characters_logs_in(
    slapd: Slapd, added: Added, make: Callable[..., LDAPProvider]
) -> None:
    """Commas, parentheses, quotes and asterisks in a name are part of it, in filter and DN."""
    dn = f'cn=Müller\\, Hans (extern)* \\\\ \\#1 \\"x\\",{slapd.people_base}'
    with added(dn, person(cn='Müller, Hans (extern)* \\ #1 "x"', uid="hans(*)", mail="hans@example.org")):
        identity = make().authenticate("hans(*)", Password("frieda-secret"))

    assert isinstance(identity, VerifiedIdentity), identity
    assert identity.username == "hans@example.org"


@pytest.mark.sec("LDAP-67", "LINK-05")
def test_a_reused_name_is_another_person(
    slapd: Slapd, added: Added, make: Callable[..., LDAPProvider], entry_uuid: Callable[[str], str]
) -> None:
    """Who gets the name of somebody who left has another key; who is renamed keeps theirs."""
    keys = []
    for _ in range(2):
        with added(slapd.dn("frieda"), person(mail="frieda@example.org")):
            for mail in ("frieda@example.org", "renamed@example.org"):
                slapd.modify(slapd.dn("frieda"), {"mail": mail})
                identity = make().authenticate("frieda", Password("frieda-secret"))
                assert isinstance(identity, VerifiedIdentity)
                keys.append(identity.source_id)

    assert (keys[0], keys[2]) == (keys[1], keys[3])
    assert keys[0] != keys[2]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"require_group": "cn=admins,ou=groups,dc=example,dc=org"}, "group_required"),
        ({"require_group": "Admins"}, "group_required"),
        ({"deny_group": "CN=Staff, OU=Groups,DC=example,DC=org"}, "group_denied"),
        ({"require_group": "staff", "deny_group": "Editors"}, "group_denied"),
        ({"require_group": "Staff", "deny_group": "admins"}, None),
    ],
)
def test_a_group_may_be_needed_or_bar(
    slapd: Slapd, make: Callable[..., LDAPProvider], keys: dict[str, str], code: str | None
) -> None:
    """Bob, an editor, is let in or not by the groups that are named; barring wins."""
    outcome = make(**keys).authenticate("bob", Password(slapd.person("bob").password))

    assert (None if isinstance(outcome, VerifiedIdentity) else outcome.code) == code


TEMPLATE = {"dn_template": "uid={username},ou=people,dc=example,dc=org"}


@pytest.mark.parametrize("changes", [TEMPLATE, {**TEMPLATE, "bind": None}], ids=["service", "no service"])
def test_a_template_needs_no_search(slapd: Slapd, make: Callable[..., LDAPProvider], changes: dict[str, Any]) -> None:
    """With a template a person is bound by name, and read by the service account or by themselves."""
    provider = make(**changes)
    identity = provider.authenticate("chloe", Password(slapd.person("chloe").password))

    assert isinstance(identity, VerifiedIdentity), identity
    assert identity.username == "chloe@example.org"
    assert "editors" in (identity.groups or ())
    assert code_of(provider.authenticate("chloe", Password("wrong"))) == "wrong_password"
    assert code_of(provider.authenticate("nobody", Password("wrong"))) == "wrong_password"


def test_a_template_names_people_only(slapd: Slapd, make: Callable[..., LDAPProvider]) -> None:
    """An entry that people.filter leaves out is refused, even with the right password."""
    template = f"cn={{username}},ou=services,{slapd.base}"
    outcome = make(dn_template=template).authenticate("service", Password(slapd.service_password))

    assert code_of(outcome) == "not_a_person"


def test_a_password_may_be_compared(slapd: Slapd, make: Callable[..., LDAPProvider]) -> None:
    """Where passwords lie in the clear, the service account can compare them."""
    provider = make(method="compare")

    assert isinstance(provider.authenticate("chloe", Password(slapd.person("chloe").password)), VerifiedIdentity)
    assert code_of(provider.authenticate("chloe", Password("wrong"))) == "wrong_password"
    assert code_of(provider.authenticate("nobody", Password("wrong"))) == "unknown_user"


def test_nothing_to_compare_is_refused(slapd: Slapd, added: Added, make: Callable[..., LDAPProvider]) -> None:
    """An entry without a password has none that is right."""
    nothing = person(mail="f@example.org")
    del nothing["userPassword"]
    with added(slapd.dn("frieda"), nothing):
        assert code_of(make(method="compare").authenticate("frieda", Password("x"))) == "no_password"
