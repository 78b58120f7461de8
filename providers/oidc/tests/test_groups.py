from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Refused, VerifiedIdentity
from onegov_auth.testing.servers.hostile_http import json_reply
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.groups import MalformedGroupsError, is_overage, read_groups

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]

ZITADEL = "urn:zitadel:iam:org:project:roles"
GRAPH = "/v1.0/me/getMemberGroups"


@pytest.mark.parametrize(
    ("path", "claims", "expected"),
    [
        ("groups", {"groups": ["a", "b", "a"]}, {"a", "b"}),
        ("groups", {"groups": "Domain Admins, Zurich"}, {"Domain Admins, Zurich"}),
        ("realm_access.roles", {"realm_access": {"roles": ["admin"]}}, {"admin"}),
        (ZITADEL, {ZITADEL: {"admin": {"1": "town.example"}, "editor": {"1": "x"}}}, {"admin", "editor"}),
        (ZITADEL, {ZITADEL: {"admin": {}, "editor": {"1": "x"}}}, {"editor"}),
        ("groups.name", {"groups": [{"name": "a"}, {"name": "b"}]}, {"a", "b"}),
        ("groups", {"groups": []}, set()),
        ("groups", {"groups": {}}, set()),
    ],
    ids=["list", "text", "nested", "object", "object, nothing behind", "list of objects", "empty", "empty object"],
)
def test_shapes(path: str, claims: dict[str, Any], expected: set[str]) -> None:
    """Lists, one name, what lies deep, and objects whose keys are the names."""
    assert read_groups([path], [claims]) == frozenset(expected)


def test_several_claims_are_put_together() -> None:
    """Groups and roles may both grant; each is taken from the first source that has it."""
    told = ({"groups": ["a"]}, {"groups": ["b"], "roles": ["c"]})

    assert read_groups(["groups", "roles"], told) == frozenset({"a", "c"})
    assert read_groups(["groups", "roles"], [{"roles": []}]) == frozenset()
    assert read_groups(["groups", "roles"], [{"groups": None}]) is None


@pytest.mark.parametrize("value", [1, True, ["a", 1], {"a": True}, {"a": "yes"}, {"a": False}], ids=repr)
def test_what_names_no_groups_is_an_error(value: object) -> None:
    """Neither granting nor taking away rights would be right."""
    with pytest.raises(MalformedGroupsError, match="groups"):
        read_groups(["groups"], [{"groups": value}])


# --- too many for a token ---


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}, True),
        ({"hasgroups": True}, True),
        ({"hasgroups": "true"}, True),
        ({"hasgroups": False}, False),
        ({"_claim_names": {"other": "src1"}}, False),
        ({"_claim_names": "groups"}, False),
        ({"groups": ["a"], "hasgroups": True}, False),
        ({}, False),
    ],
    ids=str,
)
def test_is_overage(claims: dict[str, Any], expected: bool) -> None:
    """Entra ID says in two ways that it left the groups out."""
    assert is_overage(["groups"], [claims]) is expected
    assert not is_overage(["roles"], [claims])


@pytest.fixture(name="entra")
def _entra(op: HostileOidcProvider, make: Make) -> Callable[..., OIDCProvider]:
    """A relying party of Entra ID, whose person is in too many groups."""
    source = {"endpoint": f"{op.issuer}/elsewhere"}
    op.claims = {
        "groups": ABSENT,
        "preferred_username": "jane@town.example",
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": source},
    }
    return lambda **block: make(**{"preset": "microsoft", "issuer": op.issuer, **block})


def test_too_many_groups_are_said_to_be(op: HostileOidcProvider, entra: Make, log_in: LogIn) -> None:
    """Without leave to ask Graph the login is refused, with a message that says what to do."""
    outcome = log_in(entra())

    assert isinstance(outcome, Refused)
    assert outcome.code == "groups_overage"
    assert "set graph" in outcome.steps[-1].detail
    assert op.paths()[-1] == "/jwks"


@pytest.mark.sec("OIDC-27", "OAUTH-26")
def test_graph_is_asked_when_it_may_be(op: HostileOidcProvider, entra: Make, log_in: LogIn) -> None:
    """The groups come from the configured Graph, never from the address in the token."""
    op.replies[GRAPH] = json_reply({"value": ["g1", "g2"]})
    identity = log_in(entra(graph=f"{op.issuer}/"))

    assert isinstance(identity, VerifiedIdentity), identity
    assert identity.groups == frozenset({"g1", "g2"})
    assert op.call(GRAPH).headers["authorization"] == "Bearer access"
    assert "/elsewhere" not in op.paths()


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(403), "http_status"),
        (Reply(400), "http_status"),
        (json_reply({}), "garbage"),
        (json_reply({"value": [1]}), "garbage"),
        (Reply(302, [], {"Location": "/other"}), "http_status"),
    ],
)
def test_a_graph_that_tells_nothing_lets_nobody_in(
    op: HostileOidcProvider, entra: Make, log_in: LogIn, reply: Reply, code: str
) -> None:
    """Without the groups nobody knows what somebody may do."""
    op.replies[GRAPH] = reply
    outcome = log_in(entra(graph=op.issuer))

    assert outcome.code == code
    assert not isinstance(outcome, VerifiedIdentity)


def test_only_wanted_groups_are_asked_for(op: HostileOidcProvider, entra: Make, log_in: LogIn) -> None:
    """Who maps app roles instead does not care for groups that are left out."""
    op.claims["roles"] = ["Admin"]
    identity = log_in(entra(claims={"groups": "roles"}))

    assert identity.groups == frozenset({"Admin"})


def test_another_provider_may_have_such_claims(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """Elsewhere the same claims mean nothing: what was not said was not said."""
    op.claims = {"groups": ABSENT, "hasgroups": True}

    assert log_in(make(userinfo="never")).groups is None


def test_graph_is_for_entra(make: Make) -> None:
    """A key that nothing would come of stops the start."""
    with pytest.raises(ValueError, match="graph: is for microsoft only"):
        make(graph="https://graph.microsoft.com")
