"""
The ID token: the only proof of who somebody is (OpenID Connect Core §3.1.3.7).

The rules are tables: a name, which becomes the refusal's code ``invalid_id_token_<name>``, and a
function that looks at one thing. A token passes all of them, in this order, or is refused by the first.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NewType, TypeVar

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from onegov_auth.providers import Refused, Step
from onegov_auth_oidc.http import json_object
from onegov_auth_oidc.keys import ALGORITHMS, Algorithm, KeyStore

__all__ = ["Expected", "VerifiedClaims", "is_subject", "is_time", "same", "verify"]

#: The claims of a token whose signature and content were checked; only :func:`verify` makes it.
VerifiedClaims = NewType("VerifiedClaims", Mapping[str, object])
Header = NewType("Header", Mapping[str, object])

#: A header with a certificate chain has some kilobytes, a payload with a thousand groups some more (OIDCX-29).
MAX_HEADER, MAX_PAYLOAD, MAX_SIGNATURE = 8 * 1024, 128 * 1024, 2 * 1024

#: OIDCX-04: an ID token is made for the login that asks for it, and asked for at once.
MAX_AGE = timedelta(minutes=10)

#: Seconds since 1970 that a datetime can hold (the end of the year 9999).
MAX_TIME = 253402300799

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """
    What the login knows, and the token has to say.

    Attributes:
        issuer: The configured issuer.
        client_id: Whom the token has to be for.
        nonce: What was sent along with this very login.
        alg: The pinned algorithm.
        acr: One of these, if any are demanded.
        now: The time.
        leeway: By how much clocks may differ.
        access_token: What came along with the ID token.
    """

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    alg: str
    acr: tuple[str, ...]
    now: datetime
    leeway: timedelta
    access_token: str = field(repr=False)

    @property
    def algorithm(self) -> Algorithm:
        """What the pinned algorithm asks for."""
        return ALGORITHMS[self.alg]


def same(one: object, other: str) -> bool:
    """Whether both are the same text, compared in constant time."""
    return isinstance(one, str) and hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )


def is_time(value: object) -> bool:
    """Whether *value* is a NumericDate (RFC 7519 §2); no text, no bool, and NaN compares with nothing."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_TIME


def is_subject(value: object) -> bool:
    """Whether *value* can name a person for ever (OpenID Connect Core §2: at most 255 characters)."""
    return isinstance(value, str) and 1 <= len(value) <= 255 and value.isprintable() and bool(value.strip())


def _before(value: object, moment: datetime) -> bool:
    return isinstance(value, int | float) and is_time(value) and value <= moment.timestamp()


def _after(value: object, moment: datetime) -> bool:
    return isinstance(value, int | float) and is_time(value) and value > moment.timestamp()


# --- the header ---


def _alg(header: Header, expected: Expected) -> bool:
    """Pinned to the configuration; what the token asks for decides nothing (RFC 8725 §3.1)."""
    return header.get("alg") in expected.algorithm.names


def _crit(header: Header, _: Expected) -> bool:
    """Nothing is understood that a token may call critical (RFC 7515 §4.1.11)."""
    return "crit" not in header and "b64" not in header


def _typ(header: Header, _: Expected) -> bool:
    """An access token or logout token is none (RFC 8725 §3.11, OIDCX-30)."""
    typ = header.get("typ", "JWT")
    return isinstance(typ, str) and typ.lower() in {"jwt", "application/jwt"}


def _kid(header: Header, _: Expected) -> bool:
    return isinstance(header.get("kid", ""), str)


HEADER_RULES: tuple[tuple[str, Callable[[Header, Expected], bool]], ...] = (
    ("alg", _alg),
    ("crit", _crit),
    ("typ", _typ),
    ("kid", _kid),
)


# --- the claims ---


def _iss(claims: Mapping[str, object], expected: Expected) -> bool:
    return claims.get("iss") == expected.issuer


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
    """Always demanded; a token can't say that it has none (CVE-2026-114617)."""
    return same(claims.get("nonce"), expected.nonce)


def _events(claims: Mapping[str, object], _: Expected) -> bool:
    """Logout tokens have it, ID tokens never (OpenID Connect Back-Channel Logout §2.4)."""
    return "events" not in claims


def _at_hash(claims: Mapping[str, object], expected: Expected) -> bool:
    """The access token is the one that was issued along (OpenID Connect Core §3.1.3.8)."""
    if "at_hash" not in claims:
        return True
    digest = hashlib.new(expected.algorithm.digest, expected.access_token.encode("ascii")).digest()
    return same(claims["at_hash"], urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii"))


def _acr(claims: Mapping[str, object], expected: Expected) -> bool:
    return not expected.acr or claims.get("acr") in expected.acr


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
    ("at_hash", _at_hash),
    ("acr", _acr),
)


def verify(token: str, keys: KeyStore, jwks_uri: str, expected: Expected) -> VerifiedClaims | Refused:
    """
    What the token says, or why it is refused.

    Raises:
        OIDCUnreachableError: If the keys can't be had.
    """
    header = _read_header(token)
    if header is None:
        return _refused("format")
    fault = _first_fault(HEADER_RULES, header, expected)
    if fault is not None:
        return _refused(fault)
    payload = _payload(token, header, keys, jwks_uri, expected.algorithm)
    if isinstance(payload, Refused):
        return payload
    claims = json_object(payload)
    if claims is None:
        return _refused("payload")
    fault = _first_fault(CLAIM_RULES, claims, expected)
    return VerifiedClaims(claims) if fault is None else _refused(fault)


def _refused(fault: str) -> Refused:
    return Refused(f"invalid_id_token_{fault}", steps=(Step("id_token", fault),))


def _first_fault(
    rules: tuple[tuple[str, Callable[[T, Expected], bool]], ...], what: T, expected: Expected
) -> str | None:
    return next((name for name, holds in rules if not holds(what, expected)), None)


def _read_header(token: str) -> Header | None:
    # Sizes first: nothing is decoded that could be large, and five parts would be an encrypted token.
    parts = token.split(".", 5) if token.isascii() else []
    limits = (MAX_HEADER, MAX_PAYLOAD, MAX_SIGNATURE)
    if len(parts) != len(limits) or any(len(part) > limit for part, limit in zip(parts, limits, strict=True)):
        return None
    try:
        header = json_object(urlsafe_b64decode(parts[0].encode("ascii")))
    except ValueError:
        return None
    return None if header is None else Header(header)


class _Registry(JWSRegistry):
    """
    joserfc with exactly the pinned algorithm.

    joserfc takes an empty list for "the recommended ones", and warns about the name ``EdDSA``, which
    is what providers write.
    """

    max_header_length = MAX_HEADER
    max_payload_length = MAX_PAYLOAD
    max_signature_length = MAX_SIGNATURE

    def get_alg(self, name: str) -> Any:
        if not self.allowed or name not in self.allowed:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


def _payload(token: str, header: Header, keys: KeyStore, jwks_uri: str, algorithm: Algorithm) -> bytes | Refused:
    # Header members that bring or point to a key (jwk, jku, x5u, x5c) are never looked at (ASVS 9.1.3).
    given = header.get("kid")
    kid = given if isinstance(given, str) else None
    found = keys.candidates(jwks_uri, kid)
    payload = _signed(token, found, algorithm)
    if isinstance(payload, Refused) and kid is None:
        # Without an id nobody can see that the key is a new one (AUTHLIB-05).
        payload = _signed(token, keys.renewed(jwks_uri, None), algorithm)
    return payload


def _signed(token: str, keys: tuple[Key, ...], algorithm: Algorithm) -> bytes | Refused:
    if len(keys) != 1:
        # Trying several would let the weakest of them decide (OIDC-08).
        return _refused("unknown_key" if not keys else "ambiguous_key")
    registry = _Registry(algorithms=algorithm.names, strict_check_header=False)
    try:
        return jws.deserialize_compact(token, keys[0], registry=registry).payload
    except (JoseError, ValueError):
        return _refused("signature")
