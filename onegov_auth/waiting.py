"""A verified identity that waits in a transaction until the person has done something else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from onegov_auth.accounts.local import SEEN
from onegov_auth.domain import AuthnContext, VerifiedIdentity

__all__ = ["pack", "unpack"]


def pack(identity: VerifiedIdentity) -> dict[str, object]:
    """*identity* as JSON; transactions are sealed, so its secrets may be in it."""
    authn = identity.authn
    return {
        "source": identity.source,
        "issuer": identity.issuer,
        "source_id": identity.source_id,
        "username": identity.username,
        "email": identity.email,
        "email_verified": identity.email_verified,
        "realname": identity.realname,
        "groups": None if identity.groups is None else sorted(identity.groups),
        "methods": sorted(authn.methods),
        "acr": authn.acr,
        "at": None if authn.at is None else authn.at.timestamp(),
        "session_id": authn.session_id,
        "logout_hint": authn.logout_hint,
        "refresh_token": authn.refresh_token,
        # Which password hash was compared: a password that is changed meanwhile opens nothing (RACE-14).
        SEEN: identity.attributes.get(SEEN),
    }


def unpack(data: Mapping[str, Any]) -> VerifiedIdentity:
    """What :func:`pack` was given; attributes for callbacks are not kept."""
    at, seen = data["at"], data[SEEN]
    return VerifiedIdentity(
        source=data["source"],
        issuer=data["issuer"],
        source_id=data["source_id"],
        username=data["username"],
        email=data["email"],
        email_verified=data["email_verified"],
        realname=data["realname"],
        groups=None if data["groups"] is None else frozenset(data["groups"]),
        attributes={} if seen is None else {SEEN: seen},
        authn=AuthnContext(
            methods=frozenset(data["methods"]),
            acr=data["acr"],
            at=None if at is None else datetime.fromtimestamp(at, UTC),
            session_id=data["session_id"],
            logout_hint=data["logout_hint"],
            refresh_token=data["refresh_token"],
        ),
    )
