"""Local passwords: what the ``local`` provider asks of our own tables."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import DBAPIError

from onegov_auth.domain import AuthnContext, Password, Step, VerifiedIdentity, hexadecimal
from onegov_auth.models import DEFAULT, Columns, canonical_username, primary_key
from onegov_auth.outcomes import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from onegov_auth.database import Database
    from onegov_auth.models import Entities
    from onegov_auth.passwords import Hasher

__all__ = ["LOCAL", "SEEN", "LocalPasswords", "fingerprint"]

log = logging.getLogger("onegov_auth")

#: The source of people whom our own tables know.
LOCAL = "local"

#: Under this name an identity carries which hash was compared, so that a password that is changed at
#: the same moment opens no session (RACE-14).
SEEN = "password_fingerprint"


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of an account before anybody logged in to it; ``id`` in hexadecimal."""

    id: str
    username: str
    username_key: str
    password_hash: str = field(repr=False)
    source: str | None
    role: str


class LocalPasswords:
    """
    Compares passwords with the stored hashes.

    Args:
        database: Where the users are.
        hasher: Compares.
        entities: The mapped classes.
        counts: Whether the password of somebody with that role lets them in (``passwords.login``).
    """

    def __init__(
        self,
        database: Database,
        hasher: Hasher,
        *,
        entities: Entities = DEFAULT,
        counts: Callable[[str], bool] = lambda _role: True,
    ) -> None:
        self._counts = counts
        self._database = database
        self._hasher = hasher
        self._users: Any = entities.user
        rows = Columns(self._users)
        columns = (
            primary_key(self._users),
            rows.username,
            rows.username_key,
            rows.password_hash,
            rows.source,
            rows.role,
        )
        self._lookup = database.prepare(select(*columns).where(rows.username_key == bindparam("key")))
        self._by_email = database.prepare(
            select(*columns).where(rows.email == bindparam("key"), rows.password_hash != "").limit(1)
        )

    def verify(self, username: str, password: Password) -> VerifiedIdentity | Refused:
        """
        Who has this name and password?

        Every way through costs one hash with today's parameters (ASVS 6.3.8, ENUM-02).

        Returns:
            The identity, or ``Refused`` with ``unknown_user``, ``no_password``, ``password_login_off`` or
            ``wrong_password``.
        """
        found = self.find(username)
        if found is None:
            self._hasher.verify_dummy(password.reveal())
            return Refused("unknown_user", (Step("local", "no such user"),))
        hashed = found.password_hash
        if not hashed:
            self._hasher.verify_dummy(password.reveal())
            return Refused("no_password", (Step("local", "has no local password"),))
        if not self._counts(found.role):
            # Compared with nothing: nobody learns here whether it would have been the right one.
            self._hasher.verify_dummy(password.reveal())
            return Refused("password_login_off", (Step("local", f"the role {found.role} has no password login"),))
        verification = self._hasher.verify(password.reveal(), hashed)
        if not verification.ok:
            return Refused("wrong_password", (Step("local", "the password doesn't match"),))
        if verification.renewed is not None:
            stored = self._renew(found.username_key, hashed, verification.renewed)
            if stored is None:
                # Another login renewed it, or the password was changed: what is there now decides.
                return self.verify(username, password)
            hashed = stored
        return VerifiedIdentity(
            source=LOCAL,
            issuer=None,
            source_id=found.id,
            username=found.username,
            attributes={SEEN: fingerprint(hashed)},
            authn=AuthnContext(methods=frozenset({"pwd"})),
            steps=(Step("local", "the password matches"),),
        )

    def spend(self, password: Password) -> None:
        """Cost one hash, for roads on which no local one is compared."""
        self._hasher.verify_dummy(password.reveal())

    def lets_in(self, account: Account) -> bool:
        """Whether it has a local password, and that lets it in."""
        return bool(account.password_hash) and self._counts(account.role)

    def find(self, username: str) -> Account | None:
        """The account of that name, however it is spelt; ``None`` for a name nobody here has."""
        try:
            key = canonical_username(username)
        except ValueError:
            return None
        row = self._lookup(key=key)
        return None if row is None else Account(hexadecimal(row[0]), *row[1:])

    def find_by_email(self, email: str) -> Account | None:
        """An account with a local password and that address, however it is spelt."""
        try:
            key = canonical_username(email)
        except ValueError:
            return None
        row = self._by_email(key=key)
        return None if row is None else Account(hexadecimal(row[0]), *row[1:])

    def _renew(self, key: str, old: str, new: str) -> str | None:
        """The hash that is stored now; ``None`` if it was neither."""
        # Only the hash that was compared is replaced: a newer password always wins (PWD-07).
        # A statement on the table: the password stays the same one, so no session ends.
        rows = Columns(self._users)
        mine = (rows.username_key == key, rows.password_hash == old)
        renew = update(self._users.__table__).where(*mine).values({rows.password_hash: new})
        try:
            with self._database.unit() as db:
                replaced: Any = db.execute(renew)
        except DBAPIError as error:
            # A database that can't write keeps nobody out whose password was right.
            log.warning("A password hash could not be renewed: %s", type(error.orig).__name__)
            return old
        return new if replaced.rowcount == 1 else None


def fingerprint(hashed: str) -> str:
    """Names a stored hash without being one."""
    return hashlib.sha256(hashed.encode()).hexdigest()
