"""Issuers that many organisations share, the parts and whole logins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Refused, VerifiedIdentity
from onegov_auth.testing.servers.hostile_http import json_reply
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, make_pair
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.tenants import Issuer

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]

OURS = "0a1b2c3d-0000-4000-8000-000000000001"
OTHER = "0a1b2c3d-0000-4000-8000-000000000002"


@pytest.fixture(name="shared")
def _shared(op: HostileOidcProvider, make: Make) -> Callable[..., OIDCProvider]:
    """A relying party of an issuer as Entra ID's, whose person is of our organisation."""
    template = f"{op.issuer}/{{tenantid}}/v2.0"
    op.metadata = {"issuer": template}
    op.claims = {"iss": f"{op.issuer}/{OURS}/v2.0", "tid": OURS, "preferred_username": "jane@town.example"}

    def shared(**block: Any) -> OIDCProvider:
        provider = make(**{"preset": "microsoft", "issuer": template, "allowed_tenants": [OURS], **block})
        op.replies["/organizations/v2.0/.well-known/openid-configuration"] = json_reply(op.published())
        return provider

    return shared


@pytest.mark.sec("LINK-03")
def test_an_allowed_organisation(op: HostileOidcProvider, shared: Make, log_in: LogIn) -> None:
    """The template's place is taken by the organisation, whose own issuer is the one that is stored."""
    identity = log_in(shared())

    assert isinstance(identity, VerifiedIdentity), identity
    assert identity.issuer == f"{op.issuer}/{OURS}/v2.0"


@pytest.mark.sec("LINK-03", "OIDC-02", "AUTHLIB-01")
@pytest.mark.parametrize(
    ("claims", "rule"),
    [
        ({"iss": "{op}/" + OTHER + "/v2.0", "tid": OTHER}, "tenant"),
        ({"iss": "{op}/" + OTHER + "/v2.0"}, "iss"),
        ({"tid": OTHER}, "iss"),
        ({"tid": ABSENT}, "iss"),
        ({"iss": "{op}/{{tenantid}}/v2.0"}, "iss"),
        ({"iss": "{op}/{{tenantid}}/v2.0", "tid": "{{tenantid}}"}, "iss"),
        ({"iss": "{op}/x/v2.0", "tid": "x"}, "iss"),
        ({"iss": "{op}/" + OURS + "/x/v2.0", "tid": OURS + "/x"}, "iss"),
        ({"tid": [OURS]}, "iss"),
    ],
    ids=["other", "other issuer", "other tid", "no tid", "template", "template tid", "no guid", "more", "list"],
)
def test_another_organisation_is_refused(
    op: HostileOidcProvider, shared: Make, log_in: LogIn, claims: dict[str, Any], rule: str
) -> None:
    """Anybody can have an organisation; issuer and organisation have to agree, and to be allowed."""
    filled = {key: value.format(op=op.issuer) if isinstance(value, str) else value for key, value in claims.items()}
    op.claims |= filled
    outcome = log_in(shared())

    assert isinstance(outcome, Refused), outcome
    assert outcome.code == f"invalid_id_token_{rule}"


@pytest.mark.sec("LINK-03")
@pytest.mark.parametrize(("tenant", "accepted"), [("{tenantid}", True), (OURS, True), (OTHER, False)])
def test_a_key_of_another_organisation_signs_nothing(
    op: HostileOidcProvider, shared: Make, log_in: LogIn, tenant: str, accepted: bool
) -> None:
    """A key set of all organisations says for whose tokens a key is; it is good for those alone."""
    op.keys = [make_pair("one", issuer=f"{op.issuer}/{tenant}/v2.0")]
    outcome = log_in(shared())

    assert isinstance(outcome, VerifiedIdentity) is accepted
    assert accepted or outcome.code == "invalid_id_token_key_issuer"


@pytest.mark.sec("LINK-03")
def test_a_shared_issuer_needs_a_list(make: Make) -> None:
    """Without a list of organisations everybody in the world could log in: that stops the start."""
    with pytest.raises(ValueError, match="allowed_tenants: is needed"):
        make(preset="microsoft", issuer="https://login.microsoftonline.com/{tenantid}/v2.0")


@pytest.mark.sec("LINK-04")
@pytest.mark.parametrize(("hd", "accepted"), [("town.example", True), ("other.example", False), (ABSENT, False)])
def test_a_workspace_domain_is_demanded(
    op: HostileOidcProvider, make: Make, log_in: LogIn, hd: object, accepted: bool
) -> None:
    """Google names the organisation in "hd"; an address of its domain proves nothing."""
    op.claims = {"hd": hd, "email": "jane@town.example"}
    outcome = log_in(make(preset="google", issuer=op.issuer, allowed_tenants=["Town.example"]))

    assert isinstance(outcome, VerifiedIdentity) is accepted
    assert accepted or outcome.code == "invalid_id_token_tenant"


def test_organisations_are_for_those_that_name_them(make: Make) -> None:
    """A list that nothing could be compared with stops the start."""
    with pytest.raises(ValueError, match="allowed_tenants: is for google and microsoft"):
        make(allowed_tenants=["example.org"])


def test_a_template_admits_nobody_by_itself() -> None:
    """Should the list ever be empty, nobody is of an allowed organisation."""
    assert not Issuer("https://x/{tenantid}", "tid").admits({"tid": OURS})
    assert Issuer("https://x").admits({})
