"""
A passkey made of software, for tests: what a browser sends, in JSON.

Made as Web Authentication Level 3 §5.1 and §6 describe it, with attestation "none". Everything can be made wrong: that
is what it is for.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

__all__ = ["SoftwarePasskey", "from_base64url", "to_base64url"]

#: The flags of authenticator data (§6.1).
UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40


def to_base64url(data: bytes) -> str:
    """*data* as browsers write it, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes that :func:`to_base64url` wrote."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftwarePasskey:
    """
    One passkey of one authenticator; not safe for several threads.

    Attributes:
        origin: Where the browser believes to be.
        flags: What the authenticator says of the person (UP, UV) and of backups (BE, BS).
        counts: Whether it counts its uses; those that are on several devices don't.
        count: How often it was used.
        client_data: What else the browser says, or something else in place of what it should.
        rp_id: The site it says it belongs to; the asked one if ``None``.
        key: Its private key (ES256).
        id: The credential's id.
        user_handle: Whose it is; learnt when it is made.
    """

    origin: str = "https://app.example.org"
    flags: int = UP | UV
    counts: bool = True
    count: int = 0
    client_data: Mapping[str, object] = field(default_factory=dict)
    rp_id: str | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False)
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    user_handle: bytes | None = None

    def create(self, options: Mapping[str, Any]) -> str:
        """The answer to what ``navigator.credentials.create`` is given."""
        self.user_handle = from_base64url(options["user"]["id"])
        made = b"\0" * 16 + len(self.id).to_bytes(2, "big") + self.id + self.public_key()
        data = self._authenticator_data(options["rp"]["id"], AT) + made
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": self._client_data("webauthn.create", options),
            "attestationObject": to_base64url(attestation),
            "transports": ["internal", "a new one"],
        }
        return self._answer(response)

    def get(self, options: Mapping[str, Any], **other: str | None) -> str:
        """
        The answer to what ``navigator.credentials.get`` is given.

        Args:
            options: From the server.
            other: What the response says instead, such as ``userHandle``; ``None`` leaves it out.
        """
        self.count += 1 if self.counts else 0
        data = self._authenticator_data(options["rpId"])
        client_data = self._client_data("webauthn.get", options)
        signed = data + hashlib.sha256(from_base64url(client_data)).digest()
        response: dict[str, str | None] = {
            "clientDataJSON": client_data,
            "authenticatorData": to_base64url(data),
            "signature": to_base64url(self.key.sign(signed, ec.ECDSA(SHA256()))),
            "userHandle": to_base64url(self.user_handle or b""),
            **other,
        }
        return self._answer({name: value for name, value in response.items() if value is not None})

    def public_key(self) -> bytes:
        """Its COSE key (RFC 9052 §7)."""
        point = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})

    def _authenticator_data(self, rp_id: str, more: int = 0) -> bytes:
        site = hashlib.sha256((self.rp_id or rp_id).encode()).digest()
        return site + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _client_data(self, type_: str, options: Mapping[str, Any]) -> str:
        said = {"type": type_, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return to_base64url(json.dumps({**said, **self.client_data}).encode())

    def _answer(self, response: Mapping[str, object]) -> str:
        id_ = to_base64url(self.id)
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": response})
