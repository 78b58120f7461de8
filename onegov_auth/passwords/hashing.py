"""
Passwords are hashed by argon2id, and every older format still verifies.

The parameters are the low-memory profile of RFC 9106 §4: 64 MiB, three passes, four lanes.
"""

from __future__ import annotations

import os
import secrets
import string
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self, TypeAlias

from passlib.context import CryptContext

from onegov_auth.errors import InvalidPasswordError
from onegov_auth.settings.accounts import Passwords

__all__ = [
    "Hasher",
    "KeyDerivation",
    "Scheme",
    "Verification",
    "hash_password",
    "random_password",
    "verify_dummy",
    "verify_password",
]

Scheme: TypeAlias = Literal["argon2id", "bcrypt_sha256", "pbkdf2_sha256", "pbkdf2_sha512"]

#: What each scheme costs, named as libpass has it.
#: argon2: RFC 9106 §4, second recommendation; the others: OWASP Password Storage Cheat Sheet.
_COST: Mapping[str, Mapping[str, object]] = {
    "argon2id": {
        "argon2__type": "ID",
        "argon2__memory_cost": 65536,
        "argon2__time_cost": 3,
        "argon2__parallelism": 4,
    },
    "bcrypt_sha256": {"bcrypt_sha256__rounds": 12},
    "pbkdf2_sha256": {"pbkdf2_sha256__rounds": 600_000},
    "pbkdf2_sha512": {"pbkdf2_sha512__rounds": 210_000},
}

#: What onegov.core (bcrypt_sha256) and keg-auth (bcrypt, pbkdf2) wrote.
_SCHEMES = ("argon2", "bcrypt_sha256", "bcrypt", "pbkdf2_sha256", "pbkdf2_sha512")

#: A code point takes four bytes at most in UTF-8; a few become three when they are normalised.
_BYTES_PER_CHARACTER = 4

_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Verification:
    """
    The result of comparing a password with a hash.

    Attributes:
        ok: Whether it is the one.
        renewed: A new hash to store in place of an outdated one; ``None`` if it is as it should be.
    """

    ok: bool
    renewed: str | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return self.ok


class KeyDerivation(Protocol):
    """The slow part: what libpass's ``CryptContext`` offers."""

    def hash(self, secret: str) -> str:
        """A new hash with the current parameters and a salt of its own."""
        ...

    def verify(self, secret: str, hash: str) -> bool:  # noqa: A002 -- libpass's name
        """Whether *secret* has this *hash*."""
        ...

    def needs_update(self, hash: str) -> bool:  # noqa: A002 -- the same
        """Whether *hash* was made with other parameters than the current ones."""
        ...


def make_context(scheme: Scheme = "argon2id", cost: Mapping[str, object] | None = None) -> KeyDerivation:
    """
    The slow part for *scheme*.

    Args:
        scheme: What new hashes are made with; all others verify and are renewed.
        cost: Parameters as libpass names them (``argon2__memory_cost`` in KiB, …) in place of the default ones.
    """
    name = "argon2" if scheme == "argon2id" else scheme
    parameters: dict[str, Any] = {**_COST[scheme], **(cost or {})}
    deprecated = [other for other in _SCHEMES if other != name]
    context: KeyDerivation = CryptContext(_SCHEMES, default=name, deprecated=deprecated, **parameters)
    return context


class Hasher:
    """
    Hashes and verifies passwords, a bounded number of them at a time.

    Args:
        scheme: What new hashes are made with.
        max_length: The longest password in characters; counted before anything slow is done with it.
        slots: How many hashes are computed at once, 64 MiB each; twice the processors if left out.
        cost: Parameters as libpass names them, for tests and benchmarks; :meth:`cheap` knows some.
        context: The slow part itself, in place of one made of *scheme* and *cost*.
    """

    def __init__(
        self,
        scheme: Scheme = "argon2id",
        *,
        max_length: int = 256,
        slots: int | None = None,
        cost: Mapping[str, object] | None = None,
        context: KeyDerivation | None = None,
    ) -> None:
        self.max_length = max_length
        self._context = context or make_context(scheme, cost)
        # 200 logins at once would otherwise take 200 × 64 MiB.
        self._slots = threading.BoundedSemaphore(slots or 2 * (os.cpu_count() or 1))

    @classmethod
    def from_settings(cls, settings: Passwords) -> Self:
        """The hasher that the block ``passwords`` describes."""
        return cls(settings.scheme, max_length=settings.max_length)

    @classmethod
    def cheap(cls, **options: Any) -> Self:
        """A hasher that costs next to nothing: for tests and benchmarks only."""
        cost = {"argon2__memory_cost": 8, "argon2__time_cost": 1, "argon2__parallelism": 1}
        return cls("argon2id", cost=cost, **options)

    def hash(self, clear: str) -> str:
        """
        A new hash of *clear*, with its scheme, cost and salt in it.

        Raises:
            InvalidPasswordError: If it is empty, too long, has a NUL or is no Unicode text.
        """
        password = self.prepare(clear)
        with self._slots:
            return self._context.hash(password)

    def verify(self, clear: str, hashed: str | None) -> Verification:
        """
        Whether *clear* is the password with this hash.

        An empty, unknown or damaged hash never verifies and costs the same as a good one. A password that
        can't be hashed is simply wrong, whatever the hash.
        """
        try:
            password = self.prepare(clear)
        except InvalidPasswordError:
            return Verification(ok=False)
        with self._slots:
            if not self._matches(password, hashed or ""):
                return Verification(ok=False)
            renewed = self._context.hash(password) if self._context.needs_update(hashed or "") else None
        return Verification(ok=True, renewed=renewed)

    def _matches(self, password: str, hashed: str) -> bool:
        try:
            return self._context.verify(password, hashed) is True
        except (ValueError, TypeError):
            # No hash, a damaged one, or one by plain bcrypt and a password of more than its 72 bytes: the time
            # must not tell (CVE-2024-39329), so a hash with the current parameters is computed and dropped.
            self._context.hash(password)
            return False

    def verify_dummy(self, clear: str) -> None:
        """Take as long as :meth:`verify` does, for a user who does not exist (ASVS 6.3.8)."""
        self.verify(clear, None)

    def prepare(self, clear: str) -> str:
        """
        *clear* as it is hashed: whole, in Unicode normalisation form C (NIST 800-63B-4 §3.1.1.2).

        Raises:
            InvalidPasswordError: As :meth:`hash`.
        """
        if not clear:
            raise InvalidPasswordError("The password is empty.")
        # Counted before normalising, which is slow on a megabyte of combining characters (CVE-2023-46695).
        if len(clear) > self.max_length:
            raise InvalidPasswordError(f"The password has more than {self.max_length} characters.")
        if "\0" in clear:
            # bcrypt ends at a NUL: "secret\0anything" would be "secret".
            raise InvalidPasswordError("The password has a character that can't be typed (NUL).")
        try:
            encoded = unicodedata.normalize("NFC", clear).encode()
        except UnicodeEncodeError as error:
            raise InvalidPasswordError("The password is not valid Unicode text.") from error
        if len(encoded) > self.max_length * _BYTES_PER_CHARACTER:
            raise InvalidPasswordError("The password is too long.")
        return encoded.decode()


_default = Hasher()


def hash_password(clear: str) -> str:
    """
    The hash to store for the password *clear*.

    Raises:
        InvalidPasswordError: If it is empty, too long, has a NUL or is no Unicode text.
    """
    return _default.hash(clear)


def verify_password(clear: str, hashed: str | None) -> Verification:
    """Whether *clear* is the password with this hash; see :meth:`Hasher.verify`."""
    return _default.verify(clear, hashed)


def verify_dummy(clear: str) -> None:
    """Take as long as :func:`verify_password`, for a user who does not exist."""
    _default.verify_dummy(clear)


def random_password(length: int = 16) -> str:
    """
    A password nobody can guess: *length* letters and digits of 5.95 bits each.

    Raises:
        ValueError: If *length* is below 8 (NIST 800-63B-4 §3.1.1.2).
    """
    if length < 8:
        raise ValueError("a password has at least 8 characters")
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
