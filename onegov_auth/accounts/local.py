"""Local passwords: what the ``local`` provider asks of our own tables."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from onegov_auth.domain import AuthnContext, Password, Step, VerifiedIdentity
from onegov_auth.models import DEFAULT, canonical_username
from onegov_auth.outcomes import Refused

if TYPE_CHECKING:
    from onegov_auth.database import Database
    from onegov_auth.models import Entities
    from onegov_auth.passwords import Hasher

__all__ = ["LOCAL", "SEEN", "LocalPasswords", "fingerprint"]

#: The source of people whom our own tables know.
LOCAL = "local"

#: Under this name an identity carries which hash was compared, so that a password that is changed at
#: the same moment opens no session (RACE-14).
SEEN = "password_fingerprint"


class LocalPasswords:
    """
    Compares passwords with the stored hashes.

    Args:
        database: Where the users are.
        hasher: Compares.
        entities: The mapped classes.
    """

    def __init__(self, database: Database, hasher: Hasher, *, entities: Entities = DEFAULT) -> None:
        self._database = database
        self._hasher = hasher
        self._users: Any = entities.user

    def verify(self, username: str, password: Password) -> VerifiedIdentity | Refused:
        """
        Who has this name and password?

        Every way through costs one hash with today's parameters (ASVS 6.3.8, ENUM-02).

        Returns:
            The identity, or ``Refused`` with ``unknown_user``, ``no_password`` or ``wrong_password``.
        """
        found = self._find(username)
        if found is None:
            self._hasher.verify_dummy(password.reveal())
            return Refused("unknown_user", (Step("local", "no such user"),))
        user_id, name, hashed = found
        if not hashed:
            self._hasher.verify_dummy(password.reveal())
            return Refused("no_password", (Step("local", "has no local password"),))
        verification = self._hasher.verify(password.reveal(), hashed)
        if not verification.ok:
            return Refused("wrong_password", (Step("local", "the password doesn't match"),))
        if verification.renewed is not None:
            self._renew(user_id, hashed, verification.renewed)
            hashed = verification.renewed
        return VerifiedIdentity(
            source=LOCAL,
            issuer=None,
            source_id=str(user_id),
            username=name,
            attributes={SEEN: fingerprint(hashed)},
            authn=AuthnContext(methods=frozenset({"pwd"})),
            steps=(Step("local", "the password matches"),),
        )

    def spend(self, password: Password) -> None:
        """Cost one hash, for roads on which no local one is compared."""
        self._hasher.verify_dummy(password.reveal())

    def _find(self, username: str) -> tuple[Any, str, str] | None:
        try:
            key = canonical_username(username)
        except ValueError:
            return None
        users = self._users
        with self._database.read() as db:
            row = db.execute(
                select(users.id, users.username, users.password_hash).where(users.username_key == key)
            ).one_or_none()
        return None if row is None else (row[0], row[1], row[2])

    def _renew(self, user_id: Any, old: str, new: str) -> None:
        # Only the hash that was compared is replaced: a newer password always wins (PWD-07).
        # A statement on the table: the password stays the same one, so no session ends.
        users = self._users.__table__
        with self._database.unit() as db:
            db.execute(
                update(users).where(users.c.id == user_id, users.c.password_hash == old).values(password_hash=new)
            )


def fingerprint(hashed: str) -> str:
    """Names a stored hash without being one."""
    return hashlib.sha256(hashed.encode()).hexdigest()
