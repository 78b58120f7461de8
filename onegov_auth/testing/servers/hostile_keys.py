"""Keys of a provider that may deviate, and tokens that nobody checks before they are signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

__all__ = ["Pair", "encoded", "make_pair", "signed", "unsigned"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A key that signs, and what is published of it."""

    private: Key
    published: dict[str, Any]


def make_pair(kid: str | None, kind: str = "RSA", number: int = 0, **published: Any) -> Pair:
    """
    A key pair.

    Args:
        kid: Its published id, if any.
        kind: ``RSA``, ``EC``, ``secp256k1`` or ``OKP``.
        number: Another number is another key; the same one is made only once, because RSA keys take their time.
        published: More members of the published key.
    """
    private = _private(kind, number)
    members: dict[str, Any] = {**private.as_dict(private=False), "use": "sig", **published}
    members.pop("kid", None)
    return Pair(private, members if kid is None else {**members, "kid": kid})


@lru_cache(maxsize=64)
def _private(kind: str, number: int) -> Key:
    del number  # part of the cache's key only
    if kind == "RSA":
        return RSAKey.generate_key(2048)
    if kind == "OKP":
        return OKPKey.generate_key("Ed25519")
    return ECKey.generate_key("P-256" if kind == "EC" else kind)


def encoded(content: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(header: Mapping[str, Any], payload: bytes, key: Key) -> str:
    """Any payload under any header, signed by the algorithm the header names; nothing of it is checked."""
    signing_input = f"{encoded(json.dumps(header).encode())}.{encoded(payload)}"
    signature = jws.JWSRegistry.algorithms[header["alg"]].sign(signing_input.encode(), key)
    return f"{signing_input}.{encoded(signature)}"


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    """A token under any header with any signature, none by default."""
    parts = (json.dumps(dict(header)).encode(), json.dumps(dict(claims)).encode(), signature)
    return ".".join(map(encoded, parts))
