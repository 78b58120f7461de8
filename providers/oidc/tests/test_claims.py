from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.providers import Refused
from onegov_auth_oidc import OIDCSettings
from onegov_auth_oidc.claims import Person, attributes, is_complete, read_person
from onegov_auth_oidc.sections import ClaimNames

CLAIMS: dict[str, Any] = {
    "sub": "1",
    "email": "jane@example.org",
    "email_verified": True,
    "given_name": "Jane",
    "family_name": "Doe",
    "groups": ["staff"],
}


def settings(**names: Any) -> OIDCSettings:
    block = {"kind": "oidc", "issuer": "https://id.example.com", "client_id": "app", "client_secret": "s3cret"}
    return OIDCSettings.model_validate({**block, "claims": names})


def person(claims: dict[str, Any], *more: dict[str, Any], **names: Any) -> Person:
    found = read_person(settings(**names), (claims, *more))
    assert isinstance(found, Person), found
    return found


def refused(claims: dict[str, Any], **names: Any) -> tuple[str, str]:
    found = read_person(settings(**names), (claims,))
    assert isinstance(found, Refused), found
    return found.code, found.steps[0].detail


def test_the_mapped_claims() -> None:
    """Key, name, address, real name and groups are read as mapped."""
    assert person(CLAIMS) == Person("1", "jane@example.org", "jane@example.org", True, "Jane Doe", frozenset({"staff"}))


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (["a", "b", "a"], {"a", "b"}),
        ("admins", {"admins"}),
        ("a b,c", {"a b,c"}),
        ([], set()),
        ("", set()),
        ([" a ", "", "x\x00", "\ud800", "x" * 1001], {"a"}),
    ],
    ids=["list", "text", "text with blanks", "empty list", "empty text", "what can't be stored"],
)
def test_groups(groups: object, expected: set[str]) -> None:
    """Groups are a list of names or one name, and a name that can't be stored is none."""
    assert person({**CLAIMS, "groups": groups}).groups == frozenset(expected)


@pytest.mark.parametrize("claims", [{}, {"groups": None}])
def test_absent_groups_are_not_empty(claims: dict[str, object]) -> None:
    """Saying nothing of groups is not saying that there are none."""
    assert person({**{name: CLAIMS[name] for name in ("sub", "email")}, **claims}).groups is None


@pytest.mark.parametrize("groups", [1, True, {"admins": False}, ["a", 1], [["a"]]], ids=repr)
def test_groups_that_cannot_be_understood_are_refused(groups: object) -> None:
    """Rather than guess at rights, the login is refused and the claim named."""
    assert refused({**CLAIMS, "groups": groups}) == ("invalid_claim", "groups")


def test_nested_groups() -> None:
    """Roles of a client lie deep in Keycloak's tokens."""
    claims = {**CLAIMS, "resource_access": {"app": {"roles": ["admin"]}}}

    assert person(claims, groups="resource_access.app.roles").groups == frozenset({"admin"})


@pytest.mark.parametrize("value", [None, 1, "", " ", "a\x00", "a\nb", "\ud800", "x" * 1001], ids=ascii)
def test_without_a_username_nobody_gets_in(value: object) -> None:
    """A username is text that can be stored and shown."""
    assert refused({**CLAIMS, "email": value}) == ("missing_claim", "email")


def test_each_claim_that_could_be_the_username_is_named() -> None:
    """Whoever looks for what is missing sees that one of them would do."""
    assert refused({"sub": "1"}, username=["preferred_username", "nickname"])[1] == "preferred_username or nickname"


@pytest.mark.sec("LINK-15")
@pytest.mark.parametrize("value", [None, 1, "", "x" * 256], ids=repr)
def test_without_a_key_nobody_gets_in(value: object) -> None:
    """Another key than the subject is held to the same rules."""
    assert refused({**CLAIMS, "oid": value}, id="oid") == ("missing_claim", "oid")


@pytest.mark.parametrize(
    ("verified", "expected"), [(True, True), (False, False), ("true", False), (1, False), (None, False)]
)
@pytest.mark.sec("LINK-24")
def test_an_address_is_verified_only_if_it_is_said_so(verified: object, expected: bool) -> None:
    """Only the truth value itself counts."""
    assert person({**CLAIMS, "email_verified": verified}).email_verified is expected


@pytest.mark.sec("LINK-03", "LINK-24")
def test_a_verification_is_of_one_address() -> None:
    """An address from another claim or another source is not verified by what is said of "email"."""
    other = person({**CLAIMS, "mail": "chief@example.org"}, email="mail")
    mixed = person({"sub": "1", "email": "chief@example.org"}, {"email": "jane@example.org", "email_verified": True})

    assert (other.email, other.email_verified) == ("chief@example.org", False)
    assert (mixed.email, mixed.email_verified) == ("chief@example.org", False)


@pytest.mark.parametrize("email", [None, "no address", 1, "x" * 243 + "@example.org"], ids=lambda it: repr(it)[:20])
def test_what_is_no_address_is_none(email: object) -> None:
    """Somebody may have no address, or something else in its place."""
    found = person({**CLAIMS, "email": email, "login": "jane"}, username="login")

    assert (found.username, found.email, found.email_verified) == ("jane", None, False)


@pytest.mark.parametrize(
    ("claims", "expected"), [({"family_name": None}, "Jane"), ({"given_name": 1, "family_name": ""}, None)]
)
def test_the_real_name_is_of_what_is_there(claims: dict[str, object], expected: str | None) -> None:
    """Missing parts are left out; without any there is no real name."""
    assert person({**CLAIMS, **claims}).realname == expected


def test_the_first_source_wins() -> None:
    """What the signed token says goes before what was told beside it."""
    found = person({"sub": "1", "groups": []}, {**CLAIMS, "groups": ["admins"]})

    assert (found.groups, found.realname) == (frozenset(), "Jane Doe")


@pytest.mark.parametrize("missing", [None, "email", "given_name", "groups"])
def test_is_complete(missing: str | None) -> None:
    """A set of claims is complete if all mapped ones are in it."""
    claims = {name: value for name, value in CLAIMS.items() if name != missing}

    assert is_complete(ClaimNames(), claims) is (missing is None)


def test_attributes_are_what_is_told_of_the_person() -> None:
    """How a token was made is left out; the first source wins."""
    told = attributes(({"sub": "1", "nonce": "n", "locale": "de"}, {"sub": "1", "locale": "fr", "phone": "1"}))

    assert told == {"sub": "1", "locale": "de", "phone": "1"}
