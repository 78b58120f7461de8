"""The YubiKey made of software."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from onegov_auth.testing.yubikey import SoftwareYubiKey, modhex


def opened(key: SoftwareYubiKey, password: str) -> bytes:
    digits = password[12:].translate(str.maketrans("cbdefghijklnrtuv", "0123456789abcdef"))
    decryptor = Cipher(AES(key.key), ECB()).decryptor()
    return decryptor.update(bytes.fromhex(digits)) + decryptor.finalize()


def test_modhex_has_the_manuals_digits() -> None:
    """Each of the sixteen digits is the letter that the manual names."""
    assert modhex(bytes.fromhex("0123456789abcdef")) == "cbdefghijklnrtuv"


def test_a_touch_types_the_public_id_and_what_is_encrypted() -> None:
    """A password begins with the public id, and holds private id and counters in the manual's order."""
    key = SoftwareYubiKey(serial=87, session=0x0102)

    password = key.touch()

    clear = opened(key, password)
    assert (len(password), password[:12]) == (44, key.public_id)
    assert key.public_id == "ccccccccccgi"
    assert clear[:6] == key.private_id
    assert (clear[6:8], clear[11]) == (b"\x02\x01", 1)


def test_each_touch_and_each_session_counts() -> None:
    """The use counter grows with a touch, the session counter when it is plugged in or the other one is full."""
    key = SoftwareYubiKey(use=0xFE)

    assert [(opened(key, key.touch())[6], key.use) for _ in range(2)] == [(1, 0xFF), (2, 1)]
    key.plug_in()
    assert (key.session, key.use) == (3, 0)


def test_no_two_passwords_are_the_same() -> None:
    """Every touch types something else."""
    key = SoftwareYubiKey()

    assert len({key.touch() for _ in range(20)}) == 20
