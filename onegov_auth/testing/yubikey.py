"""
A YubiKey made of software, for tests: what a finger on the button would type.

Makes one-time passwords as Yubico's "YubiKey Manual", chapter "Yubico OTP", describes them: 16 bytes with private id,
counters, a time and a checksum, encrypted with one AES block, and written as modhex behind the public id.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

__all__ = ["SoftwareYubiKey", "modhex"]

_MODHEX = bytes.maketrans(b"0123456789abcdef", b"cbdefghijklnrtuv")

#: The checksum's polynomial x¹⁶ + x¹² + x⁵ + 1, reflected (ISO 13239).
_POLYNOMIAL = 0x8408


def modhex(data: bytes) -> str:
    """*data* in the sixteen letters that are on the same keys of every keyboard."""
    return data.hex().encode().translate(_MODHEX).decode()


@dataclass
class SoftwareYubiKey:
    """
    A YubiKey; not safe for several threads.

    Attributes:
        serial: The number printed on it, which is also its public id.
        key: Its AES-128 key.
        private_id: What is encrypted in each password, six bytes.
        session: How often it was plugged in; 15 bits.
        use: How often it was touched since then; 8 bits.
    """

    serial: int = 1_234_567
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    private_id: bytes = field(default_factory=lambda: secrets.token_bytes(6), repr=False)
    session: int = 1
    use: int = 0

    @property
    def public_id(self) -> str:
        """The first twelve characters of everything it types."""
        return modhex(self.serial.to_bytes(6, "big"))

    def plug_in(self) -> None:
        """Take it out and plug it in again."""
        self.session += 1
        self.use = 0

    def touch(self) -> str:
        """The next one-time password, 44 characters."""
        if self.use == 0xFF:
            self.plug_in()
        self.use += 1
        time = (self.session << 12 | self.use << 3) & 0xFFFFFF
        clear = b"".join(
            (
                self.private_id,
                self.session.to_bytes(2, "little"),
                time.to_bytes(3, "little"),
                self.use.to_bytes(1, "little"),
                secrets.token_bytes(2),
            )
        )
        clear += (~_crc(clear) & 0xFFFF).to_bytes(2, "little")
        # One block, as the device does it: there is nothing that a mode could hide.
        encryptor = Cipher(AES(self.key), ECB()).encryptor()  # noqa: S305 - see above
        return self.public_id + modhex(encryptor.update(clear) + encryptor.finalize())


def _crc(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc
