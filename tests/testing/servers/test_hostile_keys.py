from __future__ import annotations

import base64
import json

import pytest
from joserfc import jws

from onegov_auth.testing.servers.hostile_keys import make_pair, signed, unsigned


@pytest.mark.parametrize(("kind", "alg"), [("RSA", "RS256"), ("EC", "ES256"), ("OKP", "Ed25519")])
def test_what_is_signed_can_be_checked(kind: str, alg: str) -> None:
    """The published half of a pair checks what the other one signed."""
    pair = make_pair("one", kind)
    token = signed({"alg": alg}, b"{}", pair.private)

    assert jws.deserialize_compact(token, pair.private, algorithms=[alg]).payload == b"{}"
    assert "d" not in pair.published
    assert pair.published["kid"] == "one"


def test_a_pair_is_made_once() -> None:
    """The same number is the same key, another one is another."""
    assert make_pair("a").private is make_pair("b").private
    assert make_pair("a").private is not make_pair("a", number=1).private
    assert "kid" not in make_pair(None).published
    assert make_pair(None, "secp256k1").published["crv"] == "secp256k1"


def test_an_unsigned_token() -> None:
    """Header and claims are as given, and the signature is empty."""
    head, claims, signature = unsigned({"alg": "none"}, {"sub": "1"}).split(".")

    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "none"}
    assert json.loads(base64.urlsafe_b64decode(claims + "==")) == {"sub": "1"}
    assert signature == ""
