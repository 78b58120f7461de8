"""What the doctor makes of pasted claims: the person a login would find in them."""

from __future__ import annotations

from collections.abc import Iterator

from onegov_auth.providers import AuthnContext, Check, CheckState, Refused
from onegov_auth_oidc.claims import Claims
from onegov_auth_oidc.groups import is_overage
from onegov_auth_oidc.login import identity_of
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["examine_claims"]


def examine_claims(name: str, settings: OIDCSettings, claims: Claims) -> Iterator[Check]:
    """
    What would be read from these *claims*; the step that found somebody carries the identity.

    Args:
        name: The provider's configured name.
        settings: Its block.
        claims: Of an ID token or of UserInfo; nothing of them is verified.
    """
    if "iss" in claims and not settings.expected_issuer.is_named_by(claims):
        hint = "compare issuer and allowed_tenants"
        told = f"they are of another issuer: {str(claims['iss'])[:200]}"
        yield Check("claims", CheckState.FAILED, told, hint)
        return
    yield from _demands(settings, claims)
    identity = identity_of(name, settings, (claims,), str(claims.get("iss", settings.issuer)), AuthnContext())
    if isinstance(identity, Refused):
        told = f"{identity.code}: {identity.steps[0].detail}"
        yield Check("claims", CheckState.FAILED, told, hint="change claims, or what is released")
        return
    verified = "verified" if identity.email_verified else "not verified"
    email = f"{identity.email} ({verified})" if identity.email else "none"
    found = f"id {identity.source_id}, username {identity.username}, e-mail {email}"
    yield _groups(settings, claims, identity.groups)
    yield Check("claims", CheckState.OK, found, identity=identity)


def _groups(settings: OIDCSettings, claims: Claims, groups: frozenset[str] | None) -> Check:
    if settings.special.leaves_out_groups and is_overage(settings.claims.groups, (claims,)):
        if settings.graph is not None:
            return Check("groups", CheckState.WARNING, "too many for a token: Microsoft Graph would be asked")
        hint = "set graph, or assign the groups to the application at Entra ID"
        return Check("groups", CheckState.FAILED, "groups_overage: too many for a token", hint)
    if groups is None:
        return Check("groups", CheckState.WARNING, f"there is no claim {' or '.join(settings.claims.groups)}")
    return Check("groups", CheckState.OK, ", ".join(sorted(groups)) or "none")


def _demands(settings: OIDCSettings, claims: Claims) -> Iterator[Check]:
    if settings.acr and claims.get("acr") not in settings.acr:
        told = f"acr is {claims.get('acr')}, demanded is {' or '.join(settings.acr)}"
        yield Check("acr", CheckState.FAILED, told, "change acr, or how people log in at the provider")
    methods = claims.get("amr")
    if settings.amr and not (isinstance(methods, list) and set(settings.amr) & set(map(str, methods))):
        told = f"amr is {methods}, demanded is {' or '.join(settings.amr)}"
        yield Check("amr", CheckState.FAILED, told, "change amr, or how people log in at the provider")
