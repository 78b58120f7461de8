"""
Where models get their password hashes from.

Hashing is a room above the models, so they can't import it. A session carries the hasher of its
application (``Session.info``); without one, it is a plug-in like any other here, found by the entry point
``default`` in the group ``onegov_auth.hashers``. See ``docs/contributing/decisions.md``.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Protocol, cast

from sqlalchemy.orm import Session

from onegov_auth.errors import RegistryError
from onegov_auth.models.context import of_context

__all__ = ["GROUP", "PasswordHasher", "Verified", "default_hasher", "hasher_of"]

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
    """Hashes and compares passwords: :class:`onegov_auth.passwords.Hasher` is one."""

    def hash(self, clear: str, /) -> str:
        """
        The hash to store.

        Raises:
            InvalidPasswordError: If the password can't be hashed.
        """

    def verify(self, clear: str, hashed: str | None, /) -> Verified:
        """Compare; a password or a hash that is unusable is wrong, not an error."""

    def verify_dummy(self, clear: str, /) -> object:
        """Take as long as :meth:`verify`, for a user who does not exist."""


def hasher_of(session: Session | None) -> PasswordHasher:
    """The hasher of the session's application, or the installed default."""
    own: PasswordHasher | None = of_context(session, "hasher")
    return own if own is not None else default_hasher()


@cache
def default_hasher() -> PasswordHasher:
    """
    The installed default, made once.

    Raises:
        RegistryError: If the entry point is missing, as in an installation that is older than the code.
    """
    found = entry_points(group=GROUP, name="default")
    if not found:
        raise RegistryError(f"no password hasher: {GROUP} has no 'default'; install onegov-auth again")
    return cast("PasswordHasher", next(iter(found)).load()())
