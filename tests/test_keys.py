"""Derived keys: one per purpose and application, rotated without loss."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from onegov_auth.errors import DecryptionError, MissingSecretKeyError
from onegov_auth.keys import Keys
from onegov_auth.settings import Secret

OLD, NEW = Secret("the old secret of this application"), Secret("the new secret of this application")


@pytest.fixture(name="keys")
def _keys() -> Keys:
    return Keys([OLD], "town/wiki")


def test_derived_keys(keys: Keys) -> None:
    """A key has 256 bits, is the same every time, and is made once."""
    (key,) = keys.derive("session")

    assert len(key) == 32
    assert Keys([OLD], "town/wiki").derive("session") == (key,)
    assert keys.derive("session")[0] is key


def test_derivation_is_hkdf(keys: Keys) -> None:
    """A key is HKDF-SHA256 of the secret, with purpose and application as its info (RFC 5869 §3.2)."""
    parts = [b"onegov-auth", b"session", b"town/wiki"]
    info = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    expected = HKDF(SHA256(), 32, salt=None, info=info).derive(OLD.reveal().encode())

    assert keys.derive("session") == (expected,)


@pytest.mark.sec("ASVS-9.2.4")
def test_every_purpose_and_application_has_its_own(keys: Keys) -> None:
    """No two purposes and no two applications share a key, however their names are cut."""
    found = {
        keys.derive("session")[0],
        keys.derive("factor")[0],
        Keys([OLD], "town/news").derive("session")[0],
        Keys([OLD], "own/wiki").derive("sessiont")[0],
        Keys([NEW], "town/wiki").derive("session")[0],
    }

    assert len(found) == 5


def test_newest_first() -> None:
    """There is a key for every secret, newest first."""
    keys = Keys([NEW, OLD], "a/b").derive("x")

    assert keys == (*Keys([NEW], "a/b").derive("x"), *Keys([OLD], "a/b").derive("x"))


@pytest.mark.parametrize("secrets", [[], [Secret("")]], ids=["none", "empty"])
def test_no_secret(secrets: list[Secret]) -> None:
    """Without a secret there is no key, rather than a known one."""
    with pytest.raises(MissingSecretKeyError, match="secrets"):
        Keys(secrets, "a/b").derive("x")


@pytest.mark.sec("LOG-02")
def test_not_shown(keys: Keys) -> None:
    """Printing the keys shows the application only."""
    assert repr(keys) == "Keys('town/wiki')"


@pytest.mark.sec("ASVS-13.3.4", "ASVS-11.2.2")
def test_rotation_by_file(tmp_path: Path) -> None:
    """A changed file changes the keys at once, without a restart."""
    path = tmp_path / "secret"
    path.write_text("first secret")
    keys = Keys([Secret(path=path)], "a/b")
    before = keys.derive("x")

    path.write_text("the second secret")

    assert keys.derive("x") == Keys([Secret("the second secret")], "a/b").derive("x") != before


def test_mac(keys: Keys) -> None:
    """A MAC is HMAC-SHA-256 over the parts and their lengths, URL-safe."""
    message = (1).to_bytes(8, "big") + b"a" + (2).to_bytes(8, "big") + "ä".encode()
    expected = hmac.new(keys.derive("csrf")[0], message, hashlib.sha256).digest()

    mac = keys.mac("csrf", "a", "ä")

    assert base64.urlsafe_b64decode(mac + "=") == expected
    assert len(mac) == 43


def test_verify_mac(keys: Keys) -> None:
    """A MAC verifies with the parts it was made of."""
    assert keys.verify_mac("csrf", keys.mac("csrf", "a", "b"), "a", "b")
    assert keys.verify_mac("csrf", keys.mac("csrf", "\ud800"), "\ud800")


@pytest.mark.sec("ASVS-9.1.1")
@pytest.mark.parametrize("parts", [("ab",), ("a", "b", ""), ("b", "a"), ("", "ab"), ("A", "b")], ids=str)
def test_mac_of_something_else(keys: Keys, parts: tuple[str, ...]) -> None:
    """Other parts, another order and other borders have another MAC."""
    assert not keys.verify_mac("csrf", keys.mac("csrf", "a", "b"), *parts)


@pytest.mark.sec("ASVS-9.1.1", "ASVS-9.2.4")
def test_mac_of_somebody_else(keys: Keys) -> None:
    """A MAC for another purpose, application or secret does not verify, nor does rubbish."""
    mac = keys.mac("csrf", "a")

    assert not keys.verify_mac("flash", mac, "a")
    assert not Keys([OLD], "town/news").verify_mac("csrf", mac, "a")
    assert not Keys([NEW], "town/wiki").verify_mac("csrf", mac, "a")
    assert not any(keys.verify_mac("csrf", rubbish, "a") for rubbish in ("", "ä", mac[:-1], mac + "=", "\ud800"))


@pytest.mark.sec("ASVS-13.3.4")
def test_mac_after_rotation(keys: Keys) -> None:
    """What an old secret signed verifies as long as it is configured; the newest one signs."""
    rotated = Keys([NEW, OLD], "town/wiki")

    assert rotated.verify_mac("csrf", keys.mac("csrf", "a"), "a")
    assert not keys.verify_mac("csrf", rotated.mac("csrf", "a"), "a")


@pytest.mark.parametrize("clear", ["", "secret", "ü" * 5000], ids=["empty", "short", "long"])
def test_encrypt(keys: Keys, clear: str) -> None:
    """What was encrypted is decrypted, and is URL-safe on the way."""
    text = keys.encrypt("factor", clear, "row-1")

    assert keys.decrypt("factor", text, "row-1") == clear
    assert text.startswith("v1.")
    assert text.isascii()
    assert not clear or clear not in text


@pytest.mark.sec("ASVS-11.3.4")
def test_nonces_are_new(keys: Keys) -> None:
    """The same text is never encrypted the same way (NIST SP 800-38D §8)."""
    assert len({keys.encrypt("factor", "x", "row-1") for _ in range(100)}) == 100


def changed(text: str) -> str:
    """The same text with one bit flipped."""
    raw = bytearray(base64.urlsafe_b64decode(text[3:] + "=="))
    raw[-1] ^= 1
    return "v1." + base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.sec("ASVS-11.3.2", "ASVS-11.3.3", "ASVS-11.2.5")
@pytest.mark.parametrize(
    "forge",
    [
        changed,
        lambda text: text[:-4],
        lambda text: text.replace("v1.", "v2."),
        lambda text: text[3:],
        lambda _: "",
        lambda _: "v1.",
        lambda _: "v1.AAAA",
        lambda _: "v1.not base64!",
        lambda _: "v1.ä",
        lambda _: "v1.A",
    ],
    ids=["bit", "cut", "version", "none", "empty", "nothing", "short", "rubbish", "letters", "length"],
)
def test_forged(keys: Keys, forge: Callable[[str], str]) -> None:
    """A text that was changed in any way is one and the same error."""
    text = forge(keys.encrypt("factor", "secret", "row-1"))

    with pytest.raises(DecryptionError, match="can't be decrypted"):
        keys.decrypt("factor", text, "row-1")


@pytest.mark.sec("ASVS-11.3.3")
def test_moved(keys: Keys) -> None:
    """A text does not decrypt at another place, for another purpose, application or secret."""
    text = keys.encrypt("factor", "secret", "row-1")
    other = [(keys, "factor", "row-2"), (keys, "session", "row-1"), (Keys([OLD], "a/b"), "factor", "row-1")]

    for elsewhere, purpose, place in [*other, (Keys([NEW], "town/wiki"), "factor", "row-1")]:
        with pytest.raises(DecryptionError):
            elsewhere.decrypt(purpose, text, place)


@pytest.mark.sec("ASVS-13.3.4")
def test_decrypt_after_rotation(keys: Keys) -> None:
    """What an old secret encrypted can be read and is known to be due for renewal."""
    text = keys.encrypt("factor", "secret", "row-1")
    rotated = Keys([NEW, OLD], "town/wiki")
    renewed = rotated.encrypt("factor", rotated.decrypt("factor", text, "row-1"), "row-1")

    assert Keys([NEW], "town/wiki").decrypt("factor", renewed, "row-1") == "secret"
    assert (rotated.is_current("factor", text, "row-1"), rotated.is_current("factor", renewed, "row-1")) == (
        False,
        True,
    )
    assert not rotated.is_current("factor", "rubbish", "row-1")
