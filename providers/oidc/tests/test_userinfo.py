from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Refused, VerifiedIdentity
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply, make_pair, signed
from onegov_auth_oidc import OIDCProvider

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]


@pytest.fixture(name="answer")
def _answer(op: HostileOidcProvider) -> Callable[..., None]:
    """Lets the provider answer with a signed token; the arguments change claims and header."""
    op.in_id_token = {"sub"}

    def answer(header: dict[str, Any] | None = None, key: int = 0, **claims: Any) -> None:
        right = {**op.person, "iss": op.issuer, "aud": op.client_id}
        told = {name: value for name, value in {**right, **claims}.items() if value is not ABSENT}
        head = {"alg": "RS256", "kid": "one", **(header or {})}
        token = signed(head, json.dumps(told).encode(), make_pair("one", number=key).private)
        op.replies["/userinfo"] = Reply(200, [token.encode()], {"Content-Type": "application/jwt;charset=UTF-8"})

    return answer


@pytest.mark.sec("OIDC-39")
@pytest.mark.parametrize("audience", ["example-app", ["other", "example-app"]], ids=["text", "list"])
def test_a_signed_answer(
    op: HostileOidcProvider, make: Make, log_in: LogIn, answer: Callable[..., None], audience: object
) -> None:
    """A token from the UserInfo endpoint is checked as any other, and its claims are used."""
    answer(aud=audience)
    identity = log_in(make())

    assert isinstance(identity, VerifiedIdentity), identity
    assert (identity.realname, identity.email_verified) == ("Jane Doe", True)
    assert "application/jwt" in op.call("/userinfo").headers["accept"]


@pytest.mark.sec("OIDC-39")
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"iss": "https://other.example"}, "iss"),
        ({"iss": ABSENT}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["other"]}, "aud"),
        ({"aud": ABSENT}, "aud"),
        ({"sub": "somebody-else"}, "sub"),
        ({"sub": ABSENT}, "sub"),
        ({"key": 1}, "signature"),
        ({"header": {"kid": "other"}}, "unknown_key"),
        ({"header": {"typ": "at+jwt"}}, "typ"),
        ({"header": {"crit": ["x"]}}, "crit"),
    ],
    ids=str,
)
def test_a_signed_answer_that_is_wrong(
    make: Make, log_in: LogIn, answer: Callable[..., None], changes: dict[str, Any], rule: str
) -> None:
    """Another issuer, audience, person or key is a refusal that names the rule."""
    answer(**changes)
    outcome = log_in(make())

    assert isinstance(outcome, Refused), outcome
    assert outcome.code == f"invalid_userinfo_{rule}"


@pytest.mark.sec("OIDC-39", "OIDC-10")
@pytest.mark.parametrize("token", ["", "x", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "ü.ü.ü"])
def test_an_answer_that_only_looks_signed(op: HostileOidcProvider, make: Make, log_in: LogIn, token: str) -> None:
    """Garbage and unsigned tokens are refused."""
    op.in_id_token = {"sub"}
    op.replies["/userinfo"] = Reply(200, [token.encode()], {"Content-Type": "application/jwt"})
    outcome = log_in(make())

    assert outcome.code in {"invalid_userinfo_format", "invalid_userinfo_alg"}


@pytest.mark.sec("OIDC-26")
def test_aggregated_claims_are_left_alone(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A token of somebody else inside of the answer grants nothing."""
    op.in_id_token = {"sub"}
    inner = signed({"alg": "RS256"}, json.dumps({"groups": ["app-admins"]}).encode(), make_pair("x", number=1).private)
    op.userinfo = {"groups": ABSENT, "_claim_names": {"groups": "one"}, "_claim_sources": {"one": {"JWT": inner}}}
    identity = log_in(make())

    assert isinstance(identity, VerifiedIdentity), identity
    assert identity.groups is None


def test_whoever_always_asks_needs_somebody_to_ask(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """Without an endpoint the demand for UserInfo can't be met."""
    op.metadata = {"userinfo_endpoint": ABSENT}

    assert log_in(make(userinfo="always")).code == "userinfo"
