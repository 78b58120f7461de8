"""The application's own private keys, by which it shows a provider who it is (RFC 7523)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from ssl import PEM_cert_to_DER_cert

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from onegov_auth.providers import Secret
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import json_object

__all__ = ["ClientKey", "ClientKeyError", "ClientKeys", "read_private_key"]

KINDS: tuple[type[RSAKey | ECKey | OKPKey], ...] = (RSAKey, ECKey, OKPKey)

_KEY_BLOCK = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_CERTIFICATE_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

#: RFC 7518 §6.2.1 and §6.3.1, RFC 8037 §2.
PUBLIC = ("kty", "crv", "x", "y", "n", "e")

#: NIST SP 800-131A.
MIN_RSA_BITS = 2048


class ClientKeyError(ValueError):
    """Raised when a text is no private key that can sign; says why, and never repeats the text."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """
    A private key.

    Attributes:
        key: The key itself.
        alg: What it signs with.
        kid: Its name: its own if it has any, else its thumbprint (RFC 7638).
        certificate: The SHA-256 thumbprint of the certificate beside it, by which Entra ID knows a key.
    """

    key: Key = field(repr=False)
    alg: str
    kid: str
    certificate: str | None = None

    def header(self) -> dict[str, str]:
        """The header of what it signs (RFC 7515 §4.1)."""
        found = {"alg": self.alg, "typ": "JWT", "kid": self.kid}
        return found if self.certificate is None else {**found, "x5t#S256": self.certificate}

    def published(self) -> dict[str, object]:
        """Its public half, as it stands in a key set (RFC 7517), and no other member that somebody wrote into a JWK."""
        members = self.key.as_dict(private=False)
        public = {name: members[name] for name in PUBLIC if name in members}
        return {**public, "use": "sig", "alg": self.alg, "kid": self.kid}


def read_private_key(text: str) -> ClientKey:
    """
    The private key in *text*, as PEM without a password or as JWK; a certificate may stand beside the PEM.

    Raises:
        ClientKeyError: If there is none, or none that may sign.
    """
    members = json_object(text.encode("utf-8", "replace"))
    block = _KEY_BLOCK.search(text)
    source: str | dict[str, str | list[str]] = text if block is None else block[0]
    if members is not None:
        source = {name: value for name, value in members.items() if isinstance(value, str)}
    key = _import(source)
    if key is None or not key.is_private:
        raise ClientKeyError("must be a private key as PEM without a password, or as JWK")
    alg = _algorithm(key, members.get("alg") if members else None)
    kid = members.get("kid") if members else None
    return ClientKey(key, alg, kid if isinstance(kid, str) and kid else key.thumbprint(), _certificate(text))


def _certificate(text: str) -> str | None:
    block = _CERTIFICATE_BLOCK.search(text)
    if block is None:
        return None
    try:
        der = PEM_cert_to_DER_cert(block[0])
    except ValueError as error:
        raise ClientKeyError("must be a whole certificate, if one stands beside the key") from error
    return urlsafe_b64encode(sha256(der).digest()).rstrip(b"=").decode("ascii")


def _import(source: str | dict[str, str | list[str]]) -> Key | None:
    for kind in KINDS:
        try:
            return kind.import_key(source)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return None


def _algorithm(key: Key, named: object) -> str:
    curve = getattr(key, "curve_name", None)
    if isinstance(key, RSAKey) and key.private_key is not None and key.private_key.key_size >= MIN_RSA_BITS:
        # RS256 is what every provider understands; a JWK may ask for the better one.
        return "PS256" if named == "PS256" else "RS256"
    if isinstance(key, ECKey) and curve == "P-256":
        return "ES256"
    if isinstance(key, OKPKey) and curve == "Ed25519":
        return "EdDSA"
    raise ClientKeyError("must be RSA of 2048 bits or more, P-256 or Ed25519")


class ClientKeys:
    """
    The keys of one provider's block; each file is read again when it changes, so that keys rotate while it runs.

    Args:
        secrets: The newest first.
    """

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._secrets = secrets
        self._read: dict[int, tuple[str, ClientKey]] = {}

    def all(self) -> list[ClientKey]:
        """
        The keys as of now, newest first, each once; a file that is being written keeps its last key.

        Raises:
            OIDCUnreachableError: If a file holds no key, and there is no last one.
        """
        keys: dict[str, ClientKey] = {}
        for number, secret in enumerate(self._secrets):
            key = self._current(number, secret.reveal())
            # Two keys of one name in a set are an error to some who read it (RFC 7517 §4.5).
            keys.setdefault(key.kid, key)
        return list(keys.values())

    def _current(self, number: int, text: str) -> ClientKey:
        kept = self._read.get(number)
        if kept is not None and kept[0] == text:
            return kept[1]
        try:
            key = read_private_key(text)
        except ClientKeyError as error:
            if kept is None:
                raise OIDCUnreachableError("client_key", str(error)) from error
            return kept[1]
        self._read[number] = (text, key)
        return key
