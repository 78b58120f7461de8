"""Short codes that are valid once: make, find, answer."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, update

from onegov_auth.models import TAN, clock_of, entities_of, maybe_keys_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Query, Session

__all__ = ["ALPHABET", "MAX_FAILURES", "TANCollection", "generate_tan"]

#: Letters and digits that can't be taken for each other: neither O nor 0.
ALPHABET = string.ascii_uppercase.replace("O", "") + "123456789"

#: Six characters of 34 are 30 bits; ASVS 6.5.2 and NIST 800-63B-4 §3.1.3.2 ask for at least 20.
LENGTH = 6

#: So many wrong answers void the TANs that were asked for (NIST 800-63B-4 §3.2.2 allows up to 100).
MAX_FAILURES = 5


def generate_tan() -> str:
    """A new TAN: six random characters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


class TANCollection:
    """
    The TANs of one scope that are neither used nor expired.

    Args:
        session: The session to work in.
        scope: What the TANs are for; those of another scope are never found.
        expires_after: How long they are valid; ``None`` for no limit.
    """

    def __init__(self, session: Session, scope: str, expires_after: timedelta | None = timedelta(hours=1)) -> None:
        self.session = session
        self.scope = scope
        self.expires_after = expires_after

    @property
    def model(self) -> type[TAN]:
        """The class of the TANs."""
        return entities_of(self.session).tan

    def query(self) -> Query[TAN]:
        """The TANs that may be used."""
        return self.session.query(self.model).filter(self._is_open())

    def add(self, *, client: str, created: datetime | None = None, **meta: Any) -> TAN:
        """
        Make a TAN, and flush.

        Args:
            client: The address of whoever asked for it.
            created: When; now, unless told otherwise.
            meta: What it is bound to, such as a username.

        Returns:
            The object, with the clear text in its attribute ``tan``. Nowhere else can it be read.
        """
        clear = generate_tan()
        made = self.model(
            hashed_tan=self._hashes(clear)[0],
            scope=self.scope,
            client=client,
            meta=meta,
            created=created or clock_of(self.session)(),
        )
        made.tan = clear
        self.session.add(made)
        self.session.flush()
        return made

    def by_client(self, client: str) -> Query[TAN]:
        """The TANs that were asked for from that address."""
        return self.query().filter(self.model.client == client)

    def by_tan(self, tan: str) -> TAN | None:
        """The TAN with that clear text. Wrong guesses are not counted: :meth:`use` does that."""
        return self.query().filter(self.model.hashed_tan.in_(self._hashes(tan))).first()

    def use(self, tan: str, **meta: Any) -> bool:
        """
        Answer with a TAN: right once, and then all that were asked for with the same *meta* are void.

        Every answer counts against every open TAN of that *meta*, and :data:`MAX_FAILURES` of them void it;
        commit also when this returns ``False``. Each step is one conditional statement, so that of any
        number of answers at the same time no more are looked at, and one is right (RACE-06).

        Args:
            tan: The answer.
            meta: What the TAN has to be bound to; a TAN of somebody else is no answer.

        Returns:
            Whether the answer was right.
        """
        model = self.model
        bound = self._bound(meta)
        # Counted before it is compared: whoever answers at the same time waits for this row.
        if not self._update(bound & (model.failures < MAX_FAILURES), failures=model.failures + 1):
            return False
        is_right = (model.failures <= MAX_FAILURES) & model.hashed_tan.in_(self._hashes(tan))
        now = clock_of(self.session)()
        if not self._update(bound & is_right, expired=now):
            return False
        self._update(bound, expired=now)
        return True

    def expire(self, **meta: Any) -> int:
        """Void all TANs that are bound to *meta*; returns how many there were."""
        return self._update(self._bound(meta), expired=clock_of(self.session)())

    def _bound(self, meta: Mapping[str, Any]) -> ColumnElement[bool]:
        bound = self._is_open()
        for key, value in meta.items():
            bound &= self.model.meta[key].as_string() == value
        return bound

    def _update(self, condition: ColumnElement[bool], **values: Any) -> int:
        statement = update(self.model).where(condition).values(values)
        result = self.session.execute(statement.execution_options(synchronize_session="fetch"))
        return int(getattr(result, "rowcount", 0))

    def _is_open(self) -> ColumnElement[bool]:
        model = self.model
        is_open = (model.scope == self.scope) & model.expired.is_(None)
        if self.expires_after is None:
            return is_open
        return is_open & (model.created > clock_of(self.session)() - self.expires_after)

    def _hashes(self, tan: str) -> list[str]:
        # 30 bits are guessed in seconds from a plain hash: with a key, a stolen table tells nothing (ASVS 6.5.2).
        keys = maybe_keys_of(self.session)
        clear = f"{self.scope}\0{tan}".encode("utf-8", "surrogatepass")
        if keys is None:
            return [hashlib.sha256(clear).hexdigest()]
        return [hmac.new(key, clear, hashlib.sha256).hexdigest() for key in keys.derive("tan")]
