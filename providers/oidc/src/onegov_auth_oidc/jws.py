"""
Signed tokens (RFC 7515): nothing of one is believed before the issuer's published key has checked it.

The ID token, a signed UserInfo answer and a logout token are all opened here, and differ only in their
claims: whoever calls compares those.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NewType

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from onegov_auth_oidc.http import json_object
from onegov_auth_oidc.keys import Algorithm, KeyStore, PublicKey

__all__ = ["JWT", "Fault", "Opened", "PinnedRegistry", "is_id", "is_subject", "is_time", "open_signed", "same"]

#: A header with a certificate chain has some kilobytes, a payload with a thousand groups some more (OIDCX-29).
MAX_HEADER, MAX_PAYLOAD, MAX_SIGNATURE = 8 * 1024, 128 * 1024, 2 * 1024

#: OpenID Connect Core §2 for a person; longer ids of a token or session are none of an honest provider's.
MAX_ID = 255

#: Seconds since 1970 that a datetime can hold (the end of the year 9999).
MAX_TIME = 253402300799

#: The types of a token that says nothing special of itself; one without a type counts as such.
JWT = frozenset({"jwt", "application/jwt"})

#: The short name of the rule that was broken.
Fault = NewType("Fault", str)


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What stands in a token whose signature is right; its claims are not compared with anything yet.

    Attributes:
        claims: The payload.
        key_issuer: Whose tokens the key may sign, if the key set says so (Entra ID: ``issuer`` of a key).
    """

    claims: Mapping[str, object]
    key_issuer: str | None


def same(one: object, other: str) -> bool:
    """Whether both are the same text, compared in constant time."""
    return isinstance(one, str) and hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )


def is_time(value: object) -> bool:
    """Whether *value* is a NumericDate (RFC 7519 §2); no text, no bool, and NaN compares with nothing."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_TIME


def is_id(value: object) -> bool:
    """Whether *value* can name a token or a session: no database takes what is much longer, or has a NUL in it."""
    return isinstance(value, str) and 1 <= len(value) <= MAX_ID and value.isprintable()


def is_subject(value: object) -> bool:
    """Whether *value* can name a person for ever (OpenID Connect Core §2: at most 255 characters)."""
    return isinstance(value, str) and is_id(value) and bool(value.strip())


def open_signed(
    token: str, keys: KeyStore, jwks_uri: str, algorithm: Algorithm, types: frozenset[str] = JWT
) -> Opened | Fault:
    """
    What *token* says, or which rule it breaks: ``format``, ``alg``, ``crit``, ``typ``, ``kid``,
    ``unknown_key``, ``ambiguous_key``, ``signature``, ``payload``.

    Args:
        token: The compact serialisation; five parts would be an encrypted one, which nobody asked for.
        keys: The issuer's.
        jwks_uri: Where they are published.
        algorithm: The pinned one.
        types: What the header's ``typ`` may be, in lower case; a missing one counts as ``jwt``.

    Raises:
        OIDCUnreachableError: If the keys can't be had.
    """
    header = _read_header(token)
    if header is None:
        return Fault("format")
    fault = _header_fault(header, algorithm, types)
    if fault is not None:
        return fault
    found = _payload(token, header, keys, jwks_uri, algorithm)
    if isinstance(found, str):
        return found
    payload, key = found
    claims = json_object(payload)
    return Fault("payload") if claims is None else Opened(claims, key.issuer)


def _read_header(token: str) -> Mapping[str, object] | None:
    # Sizes first: nothing is decoded that could be large.
    parts = token.split(".", 5) if token.isascii() else []
    limits = (MAX_HEADER, MAX_PAYLOAD, MAX_SIGNATURE)
    if len(parts) != len(limits) or any(len(part) > limit for part, limit in zip(parts, limits, strict=True)):
        return None
    try:
        return json_object(urlsafe_b64decode(parts[0].encode("ascii")))
    except ValueError:
        return None


def _header_fault(header: Mapping[str, object], algorithm: Algorithm, types: frozenset[str]) -> Fault | None:
    # Pinned to the configuration; what the token asks for decides nothing (RFC 8725 §3.1).
    if header.get("alg") not in algorithm.names:
        return Fault("alg")
    # Nothing is understood that a token may call critical (RFC 7515 §4.1.11).
    if "crit" in header or "b64" in header:
        return Fault("crit")
    # One kind of token is never taken for another (RFC 8725 §3.11, OIDCX-30).
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower() not in types:
        return Fault("typ")
    return None if isinstance(header.get("kid", ""), str) else Fault("kid")


class PinnedRegistry(JWSRegistry):
    """
    joserfc with exactly the pinned algorithm.

    joserfc takes an empty list for "the recommended ones", and warns about the name ``EdDSA``, which
    is what providers write.
    """

    max_header_length = MAX_HEADER
    max_payload_length = MAX_PAYLOAD
    max_signature_length = MAX_SIGNATURE

    def get_alg(self, name: str) -> Any:
        """The algorithm, if it is the pinned one; joserfc's error else."""
        if not self.allowed or name not in self.allowed:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


@lru_cache
def _registry(names: tuple[str, ...]) -> PinnedRegistry:
    return PinnedRegistry(algorithms=names, strict_check_header=False)


def _payload(
    token: str, header: Mapping[str, object], keys: KeyStore, jwks_uri: str, algorithm: Algorithm
) -> tuple[bytes, PublicKey] | Fault:
    # Header members that bring or point to a key (jwk, jku, x5u, x5c) are never looked at (ASVS 9.1.3).
    given = header.get("kid")
    kid = given if isinstance(given, str) else None
    found = _checked(token, keys.candidates(jwks_uri, kid), algorithm)
    if isinstance(found, str) and kid is None:
        # Without an id nobody can see that the key is a new one (AUTHLIB-05).
        found = _checked(token, keys.renewed(jwks_uri, None), algorithm)
    return found


def _checked(token: str, keys: tuple[PublicKey, ...], algorithm: Algorithm) -> tuple[bytes, PublicKey] | Fault:
    if len(keys) != 1:
        # Trying several would let the weakest of them decide (OIDC-08).
        return Fault("ambiguous_key" if keys else "unknown_key")
    try:
        return jws.deserialize_compact(token, keys[0].key, registry=_registry(algorithm.names)).payload, keys[0]
    except (JoseError, ValueError):
        return Fault("signature")
