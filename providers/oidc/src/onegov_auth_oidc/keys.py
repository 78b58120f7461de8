"""The issuer's public keys (RFC 7517), and which of them may have signed an ID token."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

from onegov_auth.providers import Clock
from onegov_auth_oidc.cache import Cache
from onegov_auth_oidc.http import Http

__all__ = ["ALGORITHMS", "Algorithm", "KeyStore", "PublicKey", "read_keys"]

#: A key that was withdrawn is believed for an hour at most; a new one is fetched at once.
FRESH = timedelta(hours=1)
#: Signatures can be checked for a day without the issuer's key server.
USABLE = timedelta(hours=24)
#: OIDCX-36: tokens with invented key ids can't make us hammer the issuer.
FORCED_EVERY = timedelta(seconds=60)

MAX_KEYS = 100
MAX_SETS = 8
#: NIST SP 800-131A asks for 2048 bits; beyond 8192 a check costs more than any honest issuer would ask for.
RSA_BITS = range(2048, 8193)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """
    What a pinned algorithm asks of a key and of a token's header.

    Attributes:
        names: The header's ``alg`` values that mean it.
        kty: The key type.
        crv: The curve, if the type has any.
        members: The key's public members; nothing else of a published key is read.
        digest: The hash of ``at_hash`` (OpenID Connect Core §3.1.3.6).
    """

    names: tuple[str, ...]
    kty: type[RSAKey | ECKey | OKPKey]
    crv: str | None
    members: tuple[str, ...]
    digest: str


ALGORITHMS: Mapping[str, Algorithm] = {
    "RS256": Algorithm(("RS256",), RSAKey, None, ("n", "e"), "sha256"),
    "PS256": Algorithm(("PS256",), RSAKey, None, ("n", "e"), "sha256"),
    "ES256": Algorithm(("ES256",), ECKey, "P-256", ("crv", "x", "y"), "sha256"),
    # RFC 9864 §2.2 gives the same signature a second name.
    "EdDSA": Algorithm(("EdDSA", "Ed25519"), OKPKey, "Ed25519", ("crv", "x"), "sha512"),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """
    A key that can check signatures of the pinned algorithm.

    Attributes:
        kid: The id it was published with.
        key: The key itself.
        issuer: For whose tokens it is, if the set says so (Entra ID).
    """

    kid: str | None
    key: Key
    issuer: str | None = None


def read_keys(document: Mapping[str, object], algorithm: Algorithm) -> tuple[PublicKey, ...]:
    """The keys in a JWK Set that can check signatures of *algorithm*; what can't be read is no key (RFC 7517 §5)."""
    published = document.get("keys")
    entries = published[:MAX_KEYS] if isinstance(published, list) else []
    found = (_read_key(entry, algorithm) for entry in entries if isinstance(entry, dict))
    return tuple(key for key in found if key is not None)


def _suits(entry: Mapping[str, object], algorithm: Algorithm) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("kty") == algorithm.kty.key_type
        and entry.get("crv") == algorithm.crv
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm.names[0]) in algorithm.names
        and isinstance(operations, list)
        and "verify" in operations
        and isinstance(entry.get("kid", ""), str)
    )


def _read_key(entry: Mapping[str, object], algorithm: Algorithm) -> PublicKey | None:
    if not _suits(entry, algorithm):
        return None
    public = {name: entry.get(name) for name in algorithm.members}
    texts = {name: value for name, value in public.items() if isinstance(value, str)}
    kid, issuer = entry.get("kid"), entry.get("issuer")
    try:
        if algorithm.kty is RSAKey and _bits(texts["n"]) not in RSA_BITS:
            return None
        key = algorithm.kty.import_key({"kty": algorithm.kty.key_type, **texts})
    except (JoseError, ValueError, KeyError):
        return None
    return PublicKey(kid if isinstance(kid, str) else None, key, issuer if isinstance(issuer, str) else None)


def _bits(number: str) -> int:
    return int.from_bytes(urlsafe_b64decode(number.encode("ascii"))).bit_length()


class KeyStore:
    """
    The keys of one issuer, by the address they are published at.

    Args:
        http: Asks for them.
        algorithm: The pinned one.
        clock: The time.
    """

    def __init__(self, http: Http, algorithm: Algorithm, clock: Clock) -> None:
        self._http = http
        self._algorithm = algorithm
        self._clock = clock
        self._lock = threading.Lock()
        self._sets: dict[str, Cache[tuple[PublicKey, ...]]] = {}
        self._forced: datetime | None = None

    def candidates(self, jwks_uri: str, kid: str | None) -> tuple[PublicKey, ...]:
        """
        The keys that a token with this key id, or without any, may be signed with.

        If none fits, the keys are fetched anew, at most once a minute: the issuer may have changed them
        just before it signed (OpenID Connect Core §10.1.1).

        Raises:
            OIDCUnreachableError: If the keys can't be had.
        """
        keys = self._set(jwks_uri).current()
        return _select(keys, kid) or self.renewed(jwks_uri, kid)

    def renewed(self, jwks_uri: str, kid: str | None) -> tuple[PublicKey, ...]:
        """
        As :meth:`candidates`, from keys that are fetched now.

        If they were fetched for this reason less than a minute ago, from what was found then; whoever
        comes while they are being fetched waits for them.
        """
        kept = self._set(jwks_uri)
        with self._lock:
            now = self._clock()
            force = self._forced is None or now - self._forced >= FORCED_EVERY
            if force:
                self._forced = now
        return _select((kept.fetch() if force else kept.latest()) or (), kid)

    def _set(self, jwks_uri: str) -> Cache[tuple[PublicKey, ...]]:
        with self._lock:
            if jwks_uri not in self._sets:
                if len(self._sets) >= MAX_SETS:
                    self._sets.clear()
                self._sets[jwks_uri] = Cache(lambda: self._fetch(jwks_uri), self._clock, FRESH, usable=USABLE)
            return self._sets[jwks_uri]

    def _fetch(self, jwks_uri: str) -> tuple[PublicKey, ...]:
        return read_keys(self._http.get(jwks_uri).ok().json(), self._algorithm)


def _select(keys: tuple[PublicKey, ...], kid: str | None) -> tuple[PublicKey, ...]:
    return tuple(entry for entry in keys if kid is None or entry.kid == kid)
