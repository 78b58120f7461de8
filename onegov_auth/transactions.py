"""
What was begun and is to be finished once, by the same browser, soon.

OIDC state and nonce, SAML RelayState, an identity waiting to be linked, a pending second factor: one
store for all of them (``login_transactions``). The row is found by the SHA-256 of its id, bound to the
browser's own cookie, sealed with a derived key, and consumed by one ``DELETE … RETURNING``.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Client, Transaction
from onegov_auth.errors import DecryptionError
from onegov_auth.models import DEFAULT
from onegov_auth.outcomes import Refused
from onegov_auth.statements import Prepared, driver_of

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.orm import Session

    from onegov_auth.keys import Keys
    from onegov_auth.models import Entities

__all__ = ["VALID", "Transactions"]

#: How long a person may take; the field's habit, and ASVS 6.5.5 for out-of-band codes.
VALID = timedelta(minutes=10)

#: No browser's hash: what is stored with it is bound to none, and can't be taken.
NO_BROWSER = "0" * 64

#: How many one browser may have pending; the oldest make room (COOKIE-04).
MAX_PER_BROWSER = 10


class Transactions:
    """
    Begins, stores and consumes transactions.

    Args:
        keys: Seals what a transaction remembers.
        dialect: The database's.
        clock: The time.
        token: Makes a secret of the given number of random bytes, as URL-safe text.
        entities: The mapped classes.
    """

    def __init__(
        self,
        keys: Keys,
        dialect: Dialect,
        *,
        clock: Clock = utcnow,
        token: Callable[[int], str] = secrets.token_urlsafe,
        entities: Entities = DEFAULT,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._token = token
        self._rows: Any = entities.transaction
        table: Any = self._rows.__table__
        own = (table.c.browser_hash == bindparam("browser"), table.c.kind == bindparam("kind"))
        self._drop = Prepared(dialect, delete(table).where(*own))
        mine = (*own, table.c.id_hash == bindparam("id_hash"))
        given = (table.c.to, table.c.data, table.c.expires)
        of_a_provider = delete(table).where(*mine, table.c.provider == bindparam("provider"))
        self._take = Prepared(dialect, of_a_provider.returning(*given))
        self._take_own = Prepared(dialect, delete(table).where(*mine, table.c.provider.is_(None)).returning(*given))
        self._as_data = self._take.converter(table.c.data)
        insert: Any = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}[dialect.name]
        columns = ["id_hash", "kind", "provider", "browser_hash", "to", "data", "created", "expires"]
        self._use = Prepared(dialect, insert(table).on_conflict_do_nothing(index_elements=[table.c.id_hash]), columns)

    def begin(self, kind: str, *, provider: str | None = None, to: str = "/", valid: timedelta = VALID) -> Transaction:
        """A new transaction with an unguessable id (256 bits); nothing is stored yet."""
        return Transaction(self._token(32), kind, provider, to, {}, self._clock() + valid)

    def store(
        self,
        db: Session,
        transaction: Transaction,
        client: Client,
        data: Mapping[str, object],
        user_id: Any = None,
    ) -> Transaction:
        """
        Keep *transaction* with what is to be remembered, for this browser only.

        Args:
            db: The unit of work to write in.
            transaction: What :meth:`begin` made.
            client: The browser; ``client.browser`` must be set.
            data: JSON-compatible.
            user_id: The user it belongs to, where one is known.

        Raises:
            ValueError: If the browser has no value of its own to bind it to.
        """
        if not client.browser:
            raise ValueError("a transaction needs a browser to be bound to")
        hashed = _sha256(transaction.id)
        browser = _sha256(client.browser)
        self._make_room(db, browser)
        db.add(
            self._rows(
                id_hash=hashed,
                kind=transaction.kind,
                provider=transaction.provider,
                browser_hash=browser,
                to=transaction.to,
                data={"sealed": self._keys.encrypt("transaction", json.dumps(dict(data)), hashed)},
                user_id=user_id,
                created=self._clock(),
                expires=transaction.expires,
            )
        )
        db.flush()
        return Transaction(
            transaction.id, transaction.kind, transaction.provider, transaction.to, dict(data), transaction.expires
        )

    def take(
        self, db: Session, id_: str | None, client: Client, kind: str, *, provider: str | None = None
    ) -> Transaction | Refused:
        """
        Consume a transaction: one statement, so that exactly one of any number of callers gets it.

        Another browser's, another kind's or another provider's transaction is left alone: who guesses
        or steals an id can't spoil it for its owner (OAUTH-04, OAUTH-12).

        Returns:
            The transaction, or ``Refused`` with ``missing_state``, ``unknown_transaction`` or
            ``expired_transaction``.
        """
        return self.take_alone(driver_of(db), id_, client, kind, provider=provider)

    def take_alone(
        self, driver: Any, id_: str | None, client: Client, kind: str, *, provider: str | None = None
    ) -> Transaction | Refused:
        """:meth:`take`, where that is all of the unit of work: on the driver's connection, without a session."""
        if not id_:
            return Refused("missing_state")
        if not client.browser:
            return Refused("unknown_transaction")
        hashed, browser = _sha256(id_), _sha256(client.browser)
        if provider is None:
            taken = self._take_own.one(driver, id_hash=hashed, browser=browser, kind=kind)
        else:
            taken = self._take.one(driver, id_hash=hashed, browser=browser, kind=kind, provider=provider)
        if taken is None:
            return Refused("unknown_transaction")
        to, data, expires = taken[0], self._as_data(taken[1]), datetime.fromtimestamp(taken[2], UTC)
        if expires <= self._clock():
            return Refused("expired_transaction")
        clear = self._open(data, hashed)
        return Refused("unknown_transaction") if clear is None else Transaction(id_, kind, provider, to, clear, expires)

    def peek(
        self, db: Session, id_: str | None, client: Client, kind: str, *, provider: str | None = None
    ) -> Transaction | None:
        """The transaction that :meth:`take` would give, left where it is; ``None`` for a refusal."""
        if not id_ or not client.browser:
            return None
        rows = self._rows
        hashed = _sha256(id_)
        found = db.execute(
            select(rows.to, rows.data, rows.expires).where(*self._which(hashed, client.browser, kind, provider))
        ).one_or_none()
        if found is None or found.expires <= self._clock():
            return None
        clear = self._open(found.data, hashed)
        return None if clear is None else Transaction(id_, kind, provider, found.to, clear, found.expires)

    def drop(self, db: Session, client: Client, kind: str) -> None:
        """Forget what is pending of that *kind* in this browser: somebody else sits at it now, or is done."""
        if client.browser:
            self._drop.later(db, browser=_sha256(client.browser), kind=kind)

    def once(self, db: Session, provider: str, key: str, valid: timedelta) -> bool:
        """
        Whether *key* is used for the first time: one statement, so that one of any number of callers is told so.

        Args:
            db: The unit of work to write in; a rollback gives the key back.
            provider: Whose key it is; two providers may use the same ones.
            key: Names something that may happen once, such as a logout token's ``jti``.
            valid: How long it has to be remembered.
        """
        now = self._clock()
        hashed = _sha256(f"once\0{provider}\0{key}")
        values = {"id_hash": hashed, "kind": "once", "provider": provider, "browser_hash": NO_BROWSER}
        used = self._use.run(driver_of(db), **values, to="/", data={}, created=now, expires=now + valid)
        return int(used.rowcount) == 1

    def cleanup(self, db: Session) -> int:
        """Delete what nobody came back for; returns how many."""
        result = db.execute(delete(self._rows).where(self._rows.expires <= self._clock()))
        return int(getattr(result, "rowcount", 0))

    def _which(self, hashed: str, browser: str, kind: str, provider: str | None) -> tuple[ColumnElement[bool], ...]:
        rows = self._rows
        return (
            rows.id_hash == hashed,
            rows.browser_hash == _sha256(browser),
            rows.kind == kind,
            rows.provider == provider if provider is not None else rows.provider.is_(None),
        )

    def _open(self, data: Mapping[str, Any], hashed: str) -> dict[str, Any] | None:
        try:
            clear: dict[str, Any] = json.loads(self._keys.decrypt("transaction", data["sealed"], hashed))
        except DecryptionError:
            # Its secret was taken out of the settings, or somebody who writes to the table made it up.
            return None
        return clear

    def _make_room(self, db: Session, browser: str) -> None:
        rows = self._rows
        if db.get_bind().dialect.name == "postgresql":
            # SQLite has one writer at a time; here two at once would both find room.
            db.execute(select(func.pg_advisory_xact_lock(int(browser[:15], 16))))
        old = db.scalars(
            select(rows.id_hash)
            .where(rows.browser_hash == browser)
            .order_by(rows.created.desc())
            .offset(MAX_PER_BROWSER - 1)
        ).all()
        if old:
            db.execute(delete(rows).where(rows.id_hash.in_(old)).execution_options(synchronize_session=False))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
