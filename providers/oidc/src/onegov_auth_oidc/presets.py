"""
What is special about well-known providers, all of it here.

``defaults`` are keys of the settings as they would stand in the file: a key that is written there
outranks them, one by one. The other members are what no key can say. Sources: the providers' own
documentation, named in docs/providers/oidc-presets.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["PRESETS", "Preset", "PresetName", "with_preset"]

PresetName = Literal["google", "microsoft", "keycloak", "authentik", "gitlab", "okta", "zitadel", "github"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """
    One provider.

    Attributes:
        defaults: Keys of the settings.
        email: Whose word on an e-mail address counts: see :mod:`onegov_auth_oidc.emails`.
        tenant_claim: The claim that names the organisation (``allowed_tenants``).
        names_itself: ``None`` = may send RFC 9207's ``iss`` without announcing it; it has to be right then.
        offline: What asks for a refresh token in place of the scope ``offline_access``; empty = it comes unasked.
        leaves_out_groups: Too many groups are left out of its tokens, which it says there.
        oauth2: Plain OAuth 2.0: no ID token, the provider's own API tells who somebody is.
        errors: Own error codes of the token endpoint to those of RFC 6749 §5.2.
        host: Where the provider is, if it is at one place; its rules hold there without the preset too.
    """

    defaults: Mapping[str, Any] = field(default_factory=dict)
    email: Literal["email_verified", "google", "microsoft"] = "email_verified"
    tenant_claim: str | None = None
    names_itself: bool | None = False
    offline: Mapping[str, str] | None = None
    leaves_out_groups: bool = False
    oauth2: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None


PRESETS: Mapping[str, Preset] = {
    # Nothing special: the standards.
    "": Preset(),
    # A consumer account may have anybody's address; "hd" is a Workspace domain. No scope offline_access.
    "google": Preset(
        defaults={"issuer": "https://accounts.google.com", "userinfo": "never"},
        email="google",
        tenant_claim="hd",
        names_itself=None,
        offline={"access_type": "offline", "prompt": "consent"},
        host="accounts.google.com",
    ),
    # "email" is what an administrator of any organisation wrote there (nOAuth); groups are ids.
    "microsoft": Preset(
        defaults={
            "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
            "claims": {"username": ["preferred_username", "email"], "realname": "name"},
            "userinfo": "never",
            "assertion_audience": "token_endpoint",
        },
        email="microsoft",
        tenant_claim="tid",
        leaves_out_groups=True,
        host="login.microsoftonline.com",
    ),
    # Refresh tokens come unasked; offline_access would make sessions that its own logout does not end.
    "keycloak": Preset(
        defaults={"claims": {"username": "preferred_username", "groups": ["groups", "realm_access.roles"]}},
        offline={},
    ),
    "authentik": Preset(defaults={"claims": {"username": "preferred_username", "realname": "name"}}),
    # The ID token has direct groups only, under another name; UserInfo has all of them. No scope offline_access either.
    "gitlab": Preset(
        defaults={
            "issuer": "https://gitlab.com",
            "claims": {"username": ["preferred_username", "nickname"], "realname": "name"},
        },
        offline={},
    ),
    "okta": Preset(
        defaults={
            "scope": ["openid", "profile", "email", "groups"],
            "claims": {"username": "preferred_username", "realname": "name"},
            "assertion_audience": "token_endpoint",
        }
    ),
    # Roles are the names of an object, each with the organisations that gave it.
    "zitadel": Preset(
        defaults={
            "claims": {"username": "preferred_username", "groups": "urn:zitadel:iam:org:project:roles"},
        }
    ),
    "github": Preset(
        defaults={
            "issuer": "https://github.com",
            "endpoints": {
                "authorization": "https://github.com/login/oauth/authorize",
                "token": "https://github.com/login/oauth/access_token",
                "userinfo": "https://api.github.com/user",
            },
            "scope": ["read:user", "user:email"],
            "claims": {"username": "login", "realname": "name"},
        },
        names_itself=None,
        oauth2=True,
        errors={"bad_verification_code": "invalid_grant", "incorrect_client_credentials": "invalid_client"},
    ),
}


def with_preset(block: object) -> object:
    """*block* as it was written, over what its preset says; a wrong preset is left for the check of its type."""
    name = block.get("preset") if isinstance(block, Mapping) else None
    if not isinstance(block, Mapping) or not isinstance(name, str) or name not in PRESETS:
        return block
    return _over(PRESETS[name].defaults, block)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], Mapping) and isinstance(above[key], Mapping):
            merged[key] = _over(below[key], above[key])
    return merged
