from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Check, CheckState
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc import OIDCProvider

Make = Callable[..., OIDCProvider]
CLAIMS = {"sub": "1", "email": "a@b.c", "email_verified": True, "groups": ["x", "a"], "given_name": "Ann"}


def found(provider: OIDCProvider, name: str, claims: dict[str, Any]) -> Check:
    return {check.name: check for check in provider.check(claims=claims)}[name]


@pytest.mark.parametrize(
    ("changes", "name", "state", "detail"),
    [
        ({}, "claims", CheckState.OK, "id 1, username a@b.c, e-mail a@b.c (verified)"),
        ({"email_verified": False}, "claims", CheckState.OK, "id 1, username a@b.c, e-mail a@b.c (not verified)"),
        ({}, "groups", CheckState.OK, "a, x"),
        ({"groups": []}, "groups", CheckState.OK, "none"),
        ({"groups": None}, "groups", CheckState.WARNING, "there is no claim groups"),
        ({"email": None}, "claims", CheckState.FAILED, "missing_claim: email"),
        ({"groups": 1}, "claims", CheckState.FAILED, "invalid_claim: groups"),
        ({"iss": "https://other"}, "claims", CheckState.FAILED, "they are of another issuer: https://other"),
    ],
)
def test_pasted_claims(
    op: HostileOidcProvider, make: Make, changes: dict[str, object], name: str, state: CheckState, detail: str
) -> None:
    """What would be read from claims is shown before anybody logs in."""
    claims = {key: value for key, value in {**CLAIMS, "iss": op.issuer, **changes}.items() if value is not None}
    check = found(make(), name, claims)

    assert (check.state, check.detail) == (state, detail)


def test_the_person_goes_along(op: HostileOidcProvider, make: Make) -> None:
    """The step that found somebody carries the identity a login would have found."""
    identity = found(make(), "claims", {**CLAIMS, "iss": op.issuer}).identity

    assert identity is not None
    assert (identity.source, identity.issuer, identity.source_id) == ("company", op.issuer, "1")
    assert (identity.realname, identity.groups) == ("Ann", frozenset({"a", "x"}))
    assert identity.attributes["email"] == "a@b.c"


@pytest.mark.parametrize(
    ("block", "claims", "state"),
    [
        ({"acr": ["gold"]}, {"acr": "gold"}, None),
        ({"acr": ["gold"]}, {"acr": "silver"}, CheckState.FAILED),
        ({"amr": ["otp"]}, {"amr": ["pwd", "otp"]}, None),
        ({"amr": ["otp"]}, {"amr": ["pwd"]}, CheckState.FAILED),
        ({"amr": ["otp"]}, {"amr": "otp"}, CheckState.FAILED),
    ],
    ids=repr,
)
def test_demands_are_compared(
    make: Make, block: dict[str, list[str]], claims: dict[str, object], state: CheckState | None
) -> None:
    """A demand that the claims do not meet is a step that fails."""
    steps = {check.name: check.state for check in make(**block).check(claims={**CLAIMS, **claims})}

    assert steps.get(next(iter(block))) is state


@pytest.mark.parametrize(("graph", "state"), [(None, CheckState.FAILED), ("{issuer}/graph", CheckState.WARNING)])
def test_too_many_groups(op: HostileOidcProvider, make: Make, graph: str | None, state: CheckState) -> None:
    """Entra ID leaves out what is too much, which is said with what to do about it."""
    more = {"graph": graph.format(issuer=op.issuer)} if graph else {}
    provider = make(preset="microsoft", allowed_tenants=["t"], **more)
    claims = {"sub": "1", "oid": "1", "tid": "t", "preferred_username": "a@b.c", "_claim_names": {"groups": "src1"}}

    assert found(provider, "groups", {**claims, "_claim_sources": {"src1": {}}}).state is state
