"""
Where models get their password hashes from.

Hashing is a room above the models, so they can't import it. What hashes is a plug-in like any other
here, found by the entry point ``default`` in the group ``onegov_auth.hashers`` when the first password
is hashed; see ``docs/contributing/decisions.md``.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Protocol

from onegov_auth.errors import RegistryError

__all__ = ["GROUP", "PasswordHasher", "Verified", "hasher", "use_hasher"]

#: The entry point group of hashers.
GROUP = "onegov_auth.hashers"


class Verified(Protocol):
    """What came out of comparing a password with a hash."""

    @property
    def ok(self) -> bool:
        """Whether they belong together."""

    @property
    def renewed(self) -> str | None:
        """A new hash of the same password, if the old one is outdated."""


class PasswordHasher(Protocol):
    """Hashes and compares passwords; the module :mod:`onegov_auth.passwords` is one."""

    def hash_password(self, clear: str, /) -> str:
        """
        The hash to store.

        Raises:
            InvalidPasswordError: If the password can't be hashed.
        """

    def verify_password(self, clear: str, hashed: str, /) -> Verified:
        """Compare; a password or a hash that is unusable is wrong, not an error."""

    def verify_dummy(self, clear: str, /) -> object:
        """Take as long as :meth:`verify_password`, for a user who does not exist."""


_current: list[PasswordHasher] = []


def hasher() -> PasswordHasher:
    """
    What hashes passwords in this process.

    Raises:
        RegistryError: If the entry point is missing, as in an installation that is older than the code.
    """
    if not _current:
        found = entry_points(group=GROUP, name="default")
        if not found:
            raise RegistryError(f"no password hasher: {GROUP} has no 'default'; install onegov-auth again")
        _current.append(next(iter(found)).load())
    return _current[0]


def use_hasher(new: PasswordHasher | None) -> PasswordHasher | None:
    """
    Hash passwords by *new* in this process from now on; ``None`` means the installed default.

    Returns:
        What was used before, to be put back; ``None`` if nothing was hashed yet.
    """
    before = _current[0] if _current else None
    _current[:] = [] if new is None else [new]
    return before
