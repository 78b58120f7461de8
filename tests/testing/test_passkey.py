"""The passkey made of software."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from onegov_auth.testing.passkey import SoftwarePasskey, from_base64url, to_base64url

NEW: dict[str, Any] = {"rp": {"id": "example.org"}, "user": {"id": to_base64url(b"ann")}, "challenge": "YWJj"}
ASKED = {"rpId": "example.org", "challenge": "YWJj"}


def test_it_signs_what_it_says() -> None:
    """The signature is over the authenticator data and the hash of the client data (§6.3.3)."""
    passkey = SoftwarePasskey()

    response = json.loads(passkey.get(ASKED))["response"]

    data, client_data, signature = (
        from_base64url(response[name]) for name in ("authenticatorData", "clientDataJSON", "signature")
    )
    signed = data + hashlib.sha256(client_data).digest()
    passkey.key.public_key().verify(signature, signed, ec.ECDSA(SHA256()))
    assert data[:32] == hashlib.sha256(b"example.org").digest()
    assert json.loads(client_data)["challenge"] == "YWJj"


def test_it_remembers_whose_it_is_and_counts() -> None:
    """After it was made it says whose it is, and its count grows with each use, if it counts."""
    passkey, silent = SoftwarePasskey(), SoftwarePasskey(counts=False)
    passkey.create(NEW)

    answers = [json.loads(each.get(ASKED))["response"] for each in (passkey, passkey, silent)]

    assert answers[0]["userHandle"] == to_base64url(b"ann")
    assert [from_base64url(answer["authenticatorData"])[33:37] for answer in answers] == [
        b"\0\0\0\1",
        b"\0\0\0\2",
        b"\0\0\0\0",
    ]


@pytest.mark.parametrize("name", ["userHandle", "signature"])
def test_a_part_can_be_left_out_or_made_wrong(name: str) -> None:
    """Whoever tests says what is missing, and what is there instead."""
    passkey = SoftwarePasskey()

    assert name not in json.loads(passkey.get(ASKED, **{name: None}))["response"]
    assert json.loads(passkey.get(ASKED, **{name: "x"}))["response"][name] == "x"
