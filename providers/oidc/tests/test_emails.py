from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc import OIDCProvider, OIDCSettings
from onegov_auth_oidc.emails import is_vouched_for

JANE = "jane@town.example"


@pytest.mark.sec("LINK-24")
@pytest.mark.parametrize(
    ("verified", "expected"), [(True, True), (False, False), ("true", False), (1, False), (None, False)]
)
def test_the_standard_rule(verified: object, expected: bool) -> None:
    """Only the truth value itself counts (OpenID Connect Core §5.1)."""
    assert is_vouched_for(JANE, {"email": JANE, "email_verified": verified}, "email_verified") is expected


@pytest.mark.sec("LINK-04")
@pytest.mark.parametrize(
    ("email", "claims", "expected"),
    [
        (JANE, {"email_verified": True, "hd": "town.example"}, True),
        (JANE, {"email_verified": True}, False),
        (JANE, {"email_verified": True, "hd": ""}, False),
        (JANE, {"email_verified": True, "hd": ["town.example"]}, False),
        (JANE, {"hd": "town.example"}, False),
        ("jane@gmail.com", {"email_verified": True}, True),
        ("jane@GoogleMail.com", {"email_verified": True}, True),
        ("jane@gmail.com", {"email_verified": "true"}, False),
        ("jane@notgmail.com", {"email_verified": True}, False),
        ("jane@gmail.com.example", {"email_verified": True}, False),
    ],
)
def test_google_vouches_for_its_own(email: str, claims: dict[str, Any], expected: bool) -> None:
    """Google answers for its own addresses and those of Workspace organisations; others belong to whom they like."""
    assert is_vouched_for(email, {"email": email, **claims}, "google") is expected


@pytest.mark.sec("LINK-02", "LINK-03")
@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"xms_edov": True}, True),
        ({"xms_edov": 1}, True),
        ({"xms_edov": "1"}, True),
        ({"xms_edov": "true"}, True),
        ({"xms_edov": False}, False),
        ({"xms_edov": 0}, False),
        ({"xms_edov": "0"}, False),
        ({"xms_edov": "false"}, False),
        ({"xms_edov": 2}, False),
        ({"xms_edov": 1.0}, False),
        ({"xms_edov": ["1"]}, False),
        ({"email_verified": True}, False),
        ({}, False),
    ],
    ids=str,
)
def test_entra_vouches_for_verified_domains(claims: dict[str, Any], expected: bool) -> None:
    """An address at Entra ID is what any administrator wrote, unless the domain's owner was verified (nOAuth)."""
    assert is_vouched_for(JANE, {"email": JANE, **claims}, "microsoft") is expected


@pytest.mark.sec("LINK-02", "LINK-24")
@pytest.mark.parametrize("rule", ["email_verified", "google", "microsoft"])
def test_only_the_claim_itself_is_vouched_for(rule: str) -> None:
    """What is said of one address is said of no other."""
    claims = {"email": JANE, "email_verified": True, "hd": "town.example", "xms_edov": True}

    assert is_vouched_for(JANE, claims, rule)
    assert not is_vouched_for("chief@town.example", claims, rule)


@pytest.mark.sec("LINK-03", "LINK-04")
@pytest.mark.parametrize(
    ("issuer", "rule"),
    [
        ("https://accounts.google.com", "google"),
        ("https://login.microsoftonline.com/0a1b2c3d-0000-4000-8000-000000000001/v2.0", "microsoft"),
        ("https://id.example.com", "email_verified"),
    ],
)
def test_the_rule_holds_without_the_preset(issuer: str, rule: str) -> None:
    """Whoever writes Google's or Microsoft's issuer by hand is protected in the same way."""
    block = {"kind": "oidc", "issuer": issuer, "client_id": "app", "client_secret": "s3cret"}

    assert OIDCSettings.model_validate(block).special.email == rule


@pytest.mark.sec("LINK-04")
def test_an_address_of_a_consumer_account_is_not_verified(
    op: HostileOidcProvider, make: Callable[..., OIDCProvider], log_in: Callable[..., Any]
) -> None:
    """The rule of the preset decides at the login."""
    identity = log_in(make(preset="google", issuer=op.issuer))

    assert (identity.email, identity.email_verified) == ("jane@example.org", False)
