"""
Keys made of the configured secrets: one per purpose and application, so that none can be used for another.

A secret is read anew whenever a key is asked for; one that comes from a file is rotated without a restart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from onegov_auth.errors import DecryptionError, MissingSecretKeyError
from onegov_auth.settings.types import Secret

__all__ = ["Keys"]

#: AES-256 and HMAC-SHA-256 take keys of this many bytes (RFC 5869 §2.3 allows up to 255 × 32).
_KEY_LENGTH = 32

#: NIST SP 800-38D §8.2.2: random nonces have 96 bits, and §8.3 allows 2³² of them per key.
_NONCE_LENGTH = 12

#: What an encrypted text begins with; another format will have another number.
_VERSION = "v1."


class Keys:
    """
    Derives, signs and encrypts with the secrets of one application.

    Args:
        secrets: Newest first; the newest signs and encrypts, all of them verify and decrypt.
        application: The application id; two applications with the same secret have different keys.
    """

    __slots__ = ("_derived", "_secrets", "application")

    def __init__(self, secrets: Sequence[Secret], application: str) -> None:
        self._secrets = tuple(secrets)
        self.application = application
        self._derived: dict[str, tuple[tuple[str, ...], tuple[bytes, ...]]] = {}

    def __repr__(self) -> str:
        return f"Keys({self.application!r})"

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """
        The keys for *purpose*, 32 bytes each, newest first (HKDF-SHA256, RFC 5869).

        Raises:
            MissingSecretKeyError: If there is no secret.
        """
        values = tuple(value for value in (secret.reveal() for secret in self._secrets) if value)
        if not values:
            raise MissingSecretKeyError("there is no secret to make a key of: fill in the setting secrets")
        # Kept with the values they were made of: a rotated secret is seen at once, and a race only derives twice.
        known = self._derived.get(purpose)
        if known is None or known[0] != values:
            known = (values, tuple(self._hkdf(value, purpose) for value in values))
            self._derived[purpose] = known
        return known[1]

    def _hkdf(self, secret: str, purpose: str) -> bytes:
        # RFC 5869 §3.2: info binds the key to its use. Lengths keep ("a", "bc") and ("ab", "c") apart.
        info = _joined("onegov-auth", purpose, self.application)
        return HKDF(SHA256(), _KEY_LENGTH, salt=None, info=info).derive(secret.encode())

    def mac(self, purpose: str, *parts: str) -> str:
        """The HMAC-SHA-256 (RFC 2104) of *parts*, as 43 URL-safe characters."""
        return _mac(self.derive(purpose)[0], parts)

    def verify_mac(self, purpose: str, mac: str, *parts: str) -> bool:
        """Whether *mac* is that of *parts* by any of the secrets; compared in constant time."""
        given = mac.encode("utf-8", "surrogatepass")
        # Every key is tried, so that the time does not tell which one it was.
        matches = [hmac.compare_digest(_mac(key, parts).encode(), given) for key in self.derive(purpose)]
        return any(matches)

    def encrypt(self, purpose: str, clear: str, bound_to: str) -> str:
        """
        *clear* encrypted and sealed by AES-256-GCM (NIST SP 800-38D), as URL-safe text.

        Args:
            purpose: What the key is for.
            clear: The text.
            bound_to: Where it belongs, such as a row's id; it can't be decrypted anywhere else.
        """
        nonce = secrets.token_bytes(_NONCE_LENGTH)
        sealed = _aes(self.derive(purpose)[0]).encrypt(nonce, clear.encode(), _VERSION.encode() + bound_to.encode())
        return _VERSION + _encode(nonce + sealed)

    def decrypt(self, purpose: str, text: str, bound_to: str) -> str:
        """
        What :meth:`encrypt` was given.

        Raises:
            DecryptionError: If *text* was not made by any of the secrets for this purpose, application and
                place, or was changed.
        """
        version, sealed = text[: len(_VERSION)], _decode(text[len(_VERSION) :])
        if version == _VERSION and len(sealed) > _NONCE_LENGTH:
            for key in self.derive(purpose):
                clear = _open(key, sealed, bound_to)
                if clear is not None:
                    return clear
        raise DecryptionError("a stored secret can't be decrypted: it was changed, or its key is no longer in secrets")

    def is_current(self, purpose: str, text: str, bound_to: str) -> bool:
        """Whether *text* was encrypted with the newest secret, and needs no renewal after a rotation."""
        sealed = _decode(text[len(_VERSION) :])
        return text.startswith(_VERSION) and _open(self.derive(purpose)[0], sealed, bound_to) is not None


def _joined(*parts: str) -> bytes:
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)


def _mac(key: bytes, parts: Sequence[str]) -> str:
    return _encode(hmac.new(key, _joined(*parts), hashlib.sha256).digest())


@lru_cache(maxsize=64)
def _aes(key: bytes) -> AESGCM:
    return AESGCM(key)


def _open(key: bytes, sealed: bytes, bound_to: str) -> str | None:
    nonce, text = sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:]
    try:
        return _aes(key).decrypt(nonce, text, _VERSION.encode() + bound_to.encode()).decode()
    except (InvalidTag, ValueError):
        return None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
