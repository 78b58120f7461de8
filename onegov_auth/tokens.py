"""
Signed tokens that expire and are good for one purpose: JSON Web Tokens (RFC 7519) with a derived key.

They are signed, not encrypted: whoever holds one can read its data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from onegov_auth.clock import Clock, utcnow
from onegov_auth.keys import Keys

__all__ = ["issue", "read"]

#: Pinned: what the header asks for is not listened to (RFC 8725 §3.1).
_ALGORITHM = "HS256"

#: Explicit typing keeps other tokens of the same key apart (RFC 8725 §3.11).
_TYPE = "onegov-auth+jwt"

#: Longer ones are refused before they are decoded; an address should stay below this anyway (RFC 9110 §4.1).
MAX_LENGTH = 8000


def issue(
    keys: Keys,
    purpose: str,
    data: Mapping[str, Any],
    valid: timedelta,
    clock: Clock = utcnow,
    *,
    voided_by: str | None = None,
) -> str:
    """
    A URL-safe token.

    Args:
        keys: Of the application; the token is good for no other one.
        purpose: What it is for; it is good for nothing else.
        data: What it carries, readable by its holder; JSON-compatible.
        valid: How long it is good.
        clock: The time.
        voided_by: A state, such as the password's hash, whose change voids the token; it can't be read from it.

    Raises:
        ValueError: If the token would be longer than ``MAX_LENGTH``.
    """
    now = clock()
    claims: dict[str, Any] = {
        "purpose": purpose,
        "application": keys.application,
        "iat": int(now.timestamp()),
        "exp": int((now + valid).timestamp()),
        "data": dict(data),
    }
    if voided_by is not None:
        claims["state"] = keys.mac(_key(purpose), "state", voided_by)
    key = OctKey.import_key(keys.derive(_key(purpose))[0])
    token = jwt.encode({"alg": _ALGORITHM, "typ": _TYPE}, claims, key, algorithms=[_ALGORITHM])
    if len(token) > MAX_LENGTH:
        raise ValueError(
            f"a token has at most {MAX_LENGTH} characters: keep the data elsewhere and its id in the token"
        )
    return token


def read(
    keys: Keys,
    purpose: str,
    token: str,
    clock: Clock = utcnow,
    *,
    voided_by: str | Callable[[Mapping[str, Any]], str | None] | None = None,
) -> Mapping[str, Any] | None:
    """
    What *token* carries; ``None`` if it is forged, expired, for something else, or voided.

    Args:
        keys: As for :func:`issue`; older secrets verify too.
        purpose: As for :func:`issue`.
        token: Untrusted.
        clock: The time.
        voided_by: The state of now; must be given exactly if it was given to :func:`issue`. May be a function of
            what the token carries, called only if the token is genuine and in time.
    """
    if not token or len(token) > MAX_LENGTH or not token.isascii():
        return None
    for secret in keys.derive(_key(purpose)):
        claims = _claims(token, secret)
        if claims is not None:
            if not _is_good(claims, keys, purpose, clock):
                return None
            state = voided_by(claims["data"]) if callable(voided_by) else voided_by
            return claims["data"] if _is_unchanged(claims, keys, purpose, state) else None
    return None


def _key(purpose: str) -> str:
    return f"token:{purpose}"


def _claims(token: str, secret: bytes) -> dict[str, Any] | None:
    try:
        decoded = jwt.decode(token, OctKey.import_key(secret), algorithms=[_ALGORITHM])
    except (JoseError, ValueError):
        return None
    return decoded.claims if decoded.header.get("typ") == _TYPE else None


def _is_good(claims: Mapping[str, Any], keys: Keys, purpose: str, clock: Clock) -> bool:
    expires, data = claims.get("exp"), claims.get("data")
    return (
        claims.get("purpose") == purpose
        and claims.get("application") == keys.application
        and isinstance(expires, int)
        and clock().timestamp() < expires
        and isinstance(data, dict)
    )


def _is_unchanged(claims: Mapping[str, Any], keys: Keys, purpose: str, state: str | None) -> bool:
    stored = claims.get("state")
    if stored is None or state is None:
        # A token that depends on a state must not be read by somebody who forgot to say which.
        return stored is None and state is None
    return isinstance(stored, str) and keys.verify_mac(_key(purpose), stored, "state", state)
