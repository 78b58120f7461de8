"""People from a password file."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from onegov_auth.providers import (
    AuthnContext,
    Check,
    CheckState,
    Password,
    PasswordProvider,
    ProviderSettings,
    Refused,
    Unavailable,
    VerifiedIdentity,
)
from onegov_auth_passwd.settings import PasswdSettings

__all__ = ["PasswdProvider", "line"]

#: Nobody's line: an unknown user costs the same hash as a known one.
NOBODY = ("", "00" * 16, "00" * 64)


@dataclass(frozen=True, kw_only=True)
class PasswdProvider(PasswordProvider):
    """Compares with the hashes in a file, which is read at every login."""

    kind: ClassVar[str] = "passwd"
    settings_class: ClassVar[type[ProviderSettings]] = PasswdSettings

    def authenticate(self, username: str, password: Password) -> VerifiedIdentity | Refused | Unavailable:
        """Who has this username and password in the file?"""
        clear = password.reveal()
        if "\0" in clear or not any(character.isprintable() and character != " " for character in clear):
            return Refused("empty_password")
        try:
            people = self._people()
        except (OSError, ValueError):
            return Unavailable(self.name, "file")
        key, salt, stored = people.get(username, NOBODY)
        same = hmac.compare_digest(_hash(clear, salt), stored)
        if not key:
            return Refused("unknown_user")
        if not same:
            return Refused("wrong_password")
        return VerifiedIdentity(
            source=self.name,
            issuer=None,
            source_id=key,
            username=username,
            authn=AuthnContext(methods=frozenset({"pwd"})),
        )

    def check(self, login: str | None = None, claims: Mapping[str, object] | None = None) -> Iterator[Check]:
        """The doctor's steps."""
        del claims
        try:
            people = self._people()
        except (OSError, ValueError) as error:
            yield Check("file", CheckState.FAILED, type(error).__name__, f"look at {self.settings.path}")
            return
        yield Check("file", CheckState.OK, f"{len(people)} people")
        if login is not None:
            yield Check("person", CheckState.OK if login in people else CheckState.FAILED, login)

    def _people(self) -> dict[str, tuple[str, str, str]]:
        people = {}
        for text in self.settings.path.read_text(encoding="utf-8").splitlines():
            key, name, salt, stored = text.split(":")
            people[name] = (key, salt, stored)
        return people


def line(key: str, username: str, clear: str, salt: str) -> str:
    """A line for the file."""
    return f"{key}:{username}:{salt}:{_hash(clear, salt)}"


def _hash(clear: str, salt: str) -> str:
    # OWASP Password Storage Cheat Sheet: scrypt with N = 2^14, r = 8, p = 5.
    secret = clear.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=bytes.fromhex(salt), n=2**14, r=8, p=5, maxmem=2**26).hex()
