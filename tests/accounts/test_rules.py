"""Tests of the rules a login and a sync share."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from onegov_auth.accounts.rules import Rules, authoritative, groups_step, names_of, new_user, usable_id
from onegov_auth.models import User
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import person

RULES = Rules(("admin", "editor", "member"), frozenset({"admin"}), frozenset({"member"}))
STAFF = ProviderSettings(kind="ldap", roles=MappingProxyType({"editor": ("editors",), "member": ("staff",)}))
ANN = person("staff", "1", "ann", email=" Ann@Example.org ", groups=frozenset({"staff"}))


@pytest.mark.parametrize(
    ("changes", "default", "role"),
    [
        ({}, None, "member"),
        ({"groups": frozenset({"editors", "staff"})}, None, "editor"),
        ({"groups": frozenset()}, None, None),
        ({"groups": None}, "member", "member"),
        ({"role": "admin"}, None, "admin"),
        ({"role": "nobody's"}, "member", None),
    ],
)
def test_the_first_role(changes: dict[str, Any], default: str | None, role: str | None) -> None:
    """Groups give it, else the default; an application's own word counts for more, if it is a role at all."""
    settings = STAFF.model_copy(update={"default_role": default})

    assert RULES.first_role(replace(ANN, **changes), settings) == role


@pytest.mark.parametrize(
    ("origin", "changes", "role"),
    [
        (None, {}, "editor"),
        ("staff", {}, "member"),
        ("staff", {"groups": None}, "editor"),
        ("staff", {"groups": None, "role": "admin"}, "admin"),
        ("staff", {"groups": frozenset()}, None),
    ],
)
def test_a_role_that_is_there(origin: str | None, changes: dict[str, Any], role: str | None) -> None:
    """One given by hand stays, and so does one of which nothing was said; another is given anew or taken away."""
    assert RULES.role("editor", origin, replace(ANN, **changes), STAFF) == role


@pytest.mark.parametrize(
    ("key", "role", "has_password", "follows"),
    [
        ("ann.b", "member", False, True),
        ("ann", "member", False, False),
        ("ann.b", "admin", False, False),
        ("ann.b", "member", True, False),
    ],
)
def test_who_is_renamed(key: str, role: str, has_password: bool, follows: bool) -> None:
    """Only with another name, a role whose holders are renamed, and no password to log in with by the old one."""
    assert RULES.follows(key, "ann", role, has_password=has_password) is follows


@pytest.mark.sec("LINK-08")
@pytest.mark.parametrize(
    ("local", "told", "code"),
    [
        ({}, {}, None),
        ({"active": False}, {}, "conflict"),
        ({"role": "admin"}, {}, "conflict_privileged"),
        ({"email_verified": False}, {}, "conflict"),
        ({"email": "another@example.org"}, {}, "conflict"),
        ({}, {"email_verified": False}, "conflict"),
        ({}, {"email": "ann@example.net"}, "conflict"),
    ],
)
def test_who_is_adopted(local: dict[str, Any], told: dict[str, Any], code: str | None) -> None:
    """An active account without privileges, whose address both sides verified, of a domain that is the provider's."""
    values = {"role": "member", "active": True, "email": "ann@example.org", "email_verified": True, **local}
    user = User(username="ann", password_hash="x", **values)
    identity = replace(ANN, **{"email_verified": True, **told})
    settings = STAFF.model_copy(update={"link": "verified_email", "link_domains": ("example.org",)})

    assert RULES.may_adopt([user], identity, settings) == code
    assert RULES.may_adopt([user, user], identity, settings) == "conflict"
    assert RULES.may_adopt([user], identity, STAFF) == "conflict"


def test_a_new_user_begins_with_what_the_source_said() -> None:
    """No password, an address in lower case that nobody verified here, and who gave the role."""
    values = new_user(ANN, "member", STAFF)

    assert (values["username"], values["email"], values["email_verified"]) == ("ann", "ann@example.org", False)
    assert (values["password_hash"], values["role"], values["role_origin"]) == ("", "member", "staff")
    assert new_user(replace(ANN, email=""), "member", STAFF)["email"] is None


def test_in_whose_way_somebody_is() -> None:
    """A name is a name and may be an address; an address may be a name in another spelling."""
    assert names_of(replace(ANN, email=None), "ann") == ("ann", {"ann"})
    assert names_of(ANN, "ann") == ("ann@example.org", {"ann", "ann@example.org"})
    assert names_of(replace(ANN, email="ÅNN@example.org"), "ann")[1] == {"ann", "ånn@example.org"}
    assert names_of(replace(ANN, email="a\x00b"), "ann")[0] == "a\x00b"


@pytest.mark.sec("LINK-15")
@pytest.mark.parametrize(
    ("source_id", "usable"), [("1", True), ("x" * 255, True), ("x" * 256, False), ("", False), ("a\ud800", False)]
)
def test_what_a_key_may_be(source_id: str, usable: bool) -> None:
    """Nothing matches nothing, and what no standard allows matches nothing either."""
    assert usable_id(replace(ANN, source_id=source_id)) is usable


def test_who_is_the_authority_for_an_address() -> None:
    """Whose domain it is, and who verified it; nobody for no address."""
    settings = STAFF.model_copy(update={"link_domains": ("Example.ORG",)})

    assert authoritative(replace(ANN, email_verified=True), settings)
    assert not authoritative(ANN, settings)
    assert not authoritative(replace(ANN, email=None, email_verified=True), settings)


def test_what_was_said_of_groups_is_told() -> None:
    """Nothing, none, and some are three things."""
    told = [groups_step(replace(ANN, groups=groups)).detail for groups in (None, frozenset(), frozenset({"b", "a"}))]

    assert told == ["the source said nothing", "none", "a, b"]
