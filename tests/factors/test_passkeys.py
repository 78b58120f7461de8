"""Answers of browsers that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.factors import Enrolled, Used
from onegov_auth.factors.webauthn import WebAuthnFactor
from onegov_auth.outcomes import Refused
from onegov_auth.testing.passkey import SoftwarePasskey

CLIENT = Client(browser="b")


@pytest.mark.sec("WAN-13")
@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{}",
        "[]",
        "null",
        '"x"',
        "{",
        "[" * 60_000,
        '{"id": 1}',
        '{"id": "YQ"}',
        '{"id": "YQ", "rawId": "!"}',
        "x" * 70_000,
    ],
    ids=lambda answer: str(answer)[:20],
)
def test_nonsense_is_a_refusal(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], begin: Callable[..., Transaction], answer: str, ann: UserInfo
) -> None:
    """What is no answer at all is refused, neither an error nor a wait."""
    mine = replace(own(factor, SoftwarePasskey()), key="YQ")

    assert isinstance(factor.verify([mine], answer, begin(challenge="YWJj"), CLIENT), Refused)
    assert isinstance(factor.enrol(ann, answer, begin(challenge="YWJj")), Refused)


@pytest.mark.sec("WAN-08", "WAN-13")
@pytest.mark.parametrize("part", ["rawId", "type", "clientDataJSON", "authenticatorData", "signature", "userHandle"])
@pytest.mark.parametrize("value", [None, 1, [], {}, "", "!!!", "YWJj", "w7w", "\ud800"], ids=repr)
def test_a_part_that_is_none_is_a_refusal(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], begin: Callable[..., Transaction], part: str, value: object
) -> None:
    """Each part of the answer in turn is something else: nobody gets in, and nothing breaks."""
    passkey = SoftwarePasskey()
    mine = own(factor, passkey)
    asked = factor.challenge([mine], begin(), CLIENT)
    options: Any = asked.show["options"]
    answer = json.loads(passkey.get(options))
    (answer if part in answer else answer["response"])[part] = value

    verdict = factor.verify([mine], json.dumps(answer), begin(**asked.data), CLIENT)

    assert isinstance(verdict, Refused) or (part, value) == ("userHandle", None)


class WithKey(SoftwarePasskey):
    """Says that its public key is another one."""

    cose: dict[int, object] = {}  # noqa: RUF012 - set once, before it is used

    def public_key(self) -> bytes:
        """What it was told to say."""
        return cbor2.dumps(self.cose)


@pytest.mark.sec("WAN-06")
@pytest.mark.parametrize(
    "cose",
    [
        {1: 3, 3: -257, -1: b"\xc1" * 128, -2: b"\x01\x00\x01"},
        {1: 2, 3: -7, -1: 1, -2: b"\x01" * 32, -3: b"\x02" * 32},
        {1: 2, 3: -36, -1: 3, -2: b"\x01" * 66, -3: b"\x02" * 66},
        {1: 3, 3: -65535, -1: b"\xc1" * 256, -2: b"\x01\x00\x01"},
        {1: 1, 3: -7, -1: 6, -2: b"\x01" * 32},
        {},
    ],
    ids=["short RSA", "off the curve", "not offered", "SHA-1", "type of another", "empty"],
)
def test_a_weak_or_impossible_key_is_not_kept(
    factor: WebAuthnFactor, enrol: Callable[..., object], cose: dict[int, object]
) -> None:
    """A key that is too short, no point, not offered or not of its algorithm is refused when it is made."""
    passkey = WithKey()
    passkey.cose = cose

    assert isinstance(enrol(factor, passkey), Refused)


@pytest.mark.sec("WAN-14")
def test_what_else_the_browser_says_is_let_pass(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], use: Callable[..., object]
) -> None:
    """Members of the client data that nobody knows yet, and a token binding, change nothing."""
    passkey = SoftwarePasskey(client_data={"new": {"a": 1}, "tokenBinding": {"status": "supported"}})

    assert isinstance(use(factor, [own(factor, passkey)], passkey), Used)
