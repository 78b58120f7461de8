"""
The ID token: the only proof of who somebody is (OpenID Connect Core §3.1.3.7).

The rules are a table: a name, which becomes the refusal's code ``invalid_id_token_<name>``, and a
function that looks at one thing. A token passes all of them, in this order, or is refused by the first.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NewType

from onegov_auth.providers import Refused, Step
from onegov_auth_oidc.jws import Opened, is_id, is_subject, is_time, open_signed, same
from onegov_auth_oidc.keys import ALGORITHMS, Algorithm, KeyStore
from onegov_auth_oidc.tenants import Issuer

__all__ = ["Expected", "VerifiedClaims", "verify"]

#: The claims of a token whose signature and content were checked; only :func:`verify` makes it.
VerifiedClaims = NewType("VerifiedClaims", Mapping[str, object])

#: OIDCX-04: an ID token is made for the login that asks for it, and asked for at once.
MAX_AGE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """
    What the login knows, and the token has to say.

    Attributes:
        issuer: The configured issuer, and whose people may come.
        client_id: Whom the token has to be for.
        nonce: What was sent along with this very login; ``None`` = a refreshed token, which needs none.
        alg: The pinned algorithm.
        acr: One of each of these, if any are demanded.
        amr: One of these among the methods, if any are demanded.
        max_age: How long ago the person may have proven who they are, if the login demanded it.
        now: The time.
        leeway: By how much clocks may differ.
        access_token: What came along with the ID token.
        code: What it was exchanged for, if anything.
    """

    issuer: Issuer
    client_id: str
    nonce: str | None = field(repr=False)
    alg: str
    acr: tuple[tuple[str, ...], ...] = ()
    amr: tuple[str, ...] = ()
    max_age: timedelta | None = None
    now: datetime
    leeway: timedelta
    access_token: str = field(repr=False)
    code: str | None = field(default=None, repr=False)

    @property
    def algorithm(self) -> Algorithm:
        """What the pinned algorithm asks for."""
        return ALGORITHMS[self.alg]


def _before(value: object, moment: datetime) -> bool:
    return isinstance(value, int | float) and is_time(value) and value <= moment.timestamp()


def _after(value: object, moment: datetime) -> bool:
    return isinstance(value, int | float) and is_time(value) and value > moment.timestamp()


def _iss(claims: Mapping[str, object], expected: Expected) -> bool:
    return expected.issuer.is_named_by(claims)


def _tenant(claims: Mapping[str, object], expected: Expected) -> bool:
    """An issuer that many organisations share vouches for the people of the allowed ones only (LINK-03)."""
    return expected.issuer.admits(claims)


def _sub(claims: Mapping[str, object], _: Expected) -> bool:
    return is_subject(claims.get("sub"))


def _aud(claims: Mapping[str, object], expected: Expected) -> bool:
    """For us, and for nobody else: no other audience is trusted (OpenID Connect Core §3.1.3.7, 3)."""
    audience = claims.get("aud")
    return audience == expected.client_id or (
        isinstance(audience, list) and bool(audience) and all(one == expected.client_id for one in audience)
    )


def _azp(claims: Mapping[str, object], expected: Expected) -> bool:
    return "azp" not in claims or claims["azp"] == expected.client_id


def _exp(claims: Mapping[str, object], expected: Expected) -> bool:
    return _after(claims.get("exp"), expected.now - expected.leeway)


def _iat(claims: Mapping[str, object], expected: Expected) -> bool:
    issued = claims.get("iat")
    return _before(issued, expected.now + expected.leeway) and _after(issued, expected.now - MAX_AGE - expected.leeway)


def _nbf(claims: Mapping[str, object], expected: Expected) -> bool:
    return "nbf" not in claims or _before(claims["nbf"], expected.now + expected.leeway)


def _nonce(claims: Mapping[str, object], expected: Expected) -> bool:
    """Always demanded at a login; a token can't say that it has none (CVE-2026-114617)."""
    return expected.nonce is None or same(claims.get("nonce"), expected.nonce)


def _events(claims: Mapping[str, object], _: Expected) -> bool:
    """Logout tokens have it, ID tokens never (OpenID Connect Back-Channel Logout §2.4)."""
    return "events" not in claims


def _sid(claims: Mapping[str, object], _: Expected) -> bool:
    """The session's name is kept beside ours, until a logout token has it (OpenID Connect Back-Channel Logout §2.1)."""
    session = claims.get("sid")
    return not isinstance(session, str) or is_id(session)


def _at_hash(claims: Mapping[str, object], expected: Expected) -> bool:
    """The access token is the one that was issued along (OpenID Connect Core §3.1.3.8)."""
    return "at_hash" not in claims or same(claims["at_hash"], _half_hash(expected.access_token, expected.algorithm))


def _c_hash(claims: Mapping[str, object], expected: Expected) -> bool:
    """The code is the one the token was made for (OpenID Connect Core §3.3.2.11)."""
    if "c_hash" not in claims or expected.code is None:
        return True
    return same(claims["c_hash"], _half_hash(expected.code, expected.algorithm))


def _half_hash(text: str, algorithm: Algorithm) -> str:
    digest = hashlib.new(algorithm.digest, text.encode("ascii")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")


def _acr(claims: Mapping[str, object], expected: Expected) -> bool:
    return all(claims.get("acr") in demanded for demanded in expected.acr)


def _amr(claims: Mapping[str, object], expected: Expected) -> bool:
    methods = claims.get("amr")
    return not expected.amr or (isinstance(methods, list) and any(one in methods for one in expected.amr))


def _auth_time(claims: Mapping[str, object], expected: Expected) -> bool:
    """Whoever was asked for a fresh login has to say when it was (OpenID Connect Core §3.1.2.1, AUTHLIB-07)."""
    if expected.max_age is None:
        return True
    at = claims.get("auth_time")
    oldest = expected.now - expected.max_age - expected.leeway
    return _before(at, expected.now + expected.leeway) and _after(at, oldest)


CLAIM_RULES: tuple[tuple[str, Callable[[Mapping[str, object], Expected], bool]], ...] = (
    ("iss", _iss),
    ("aud", _aud),
    ("azp", _azp),
    ("events", _events),
    ("exp", _exp),
    ("iat", _iat),
    ("nbf", _nbf),
    ("nonce", _nonce),
    ("sub", _sub),
    ("sid", _sid),
    ("tenant", _tenant),
    ("at_hash", _at_hash),
    ("c_hash", _c_hash),
    ("acr", _acr),
    ("amr", _amr),
    ("auth_time", _auth_time),
)

#: What an operator needs to see of a token that was refused by it: nothing of the person, and no secret.
TOLD = frozenset({"iss", "aud", "azp", "exp", "iat", "nbf", "acr", "amr", "auth_time"})
MAX_TOLD = 200


def verify(token: str, keys: KeyStore, jwks_uri: str, expected: Expected) -> VerifiedClaims | Refused:
    """
    What the token says, or why it is refused.

    Raises:
        OIDCUnreachableError: If the keys can't be had.
    """
    opened = open_signed(token, keys, jwks_uri, expected.algorithm)
    if isinstance(opened, str):
        return _refused(opened)
    fault = _first_fault(opened, expected)
    return VerifiedClaims(opened.claims) if fault is None else _refused(fault, opened.claims)


def _first_fault(opened: Opened, expected: Expected) -> str | None:
    fault = next((name for name, holds in CLAIM_RULES if not holds(opened.claims, expected)), None)
    # Keys of one organisation must not sign for another one, where an issuer publishes both.
    if fault is None and not expected.issuer.may_sign(opened.key_issuer, opened.claims):
        return "key_issuer"
    return fault


def _refused(fault: str, claims: Mapping[str, object] | None = None) -> Refused:
    told = fault
    if claims is not None and fault in TOLD:
        # Words of the provider, in a line of the log.
        told = f"{fault}: the token has {ascii(claims[fault])[:MAX_TOLD] if fault in claims else 'none'}"
    return Refused(f"invalid_id_token_{fault}", steps=(Step("id_token", told),))
