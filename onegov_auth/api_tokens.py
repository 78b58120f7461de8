"""
API tokens: how a person's programs come in, without a session.

Found by one indexed statement that also says whose they are, as a session is; nothing is written for one that is
none. Their rights are those of their user at this very moment, narrowed by what they are good for (TOK-03).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.exc import OperationalError

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import NO_SESSION, Identity
from onegov_auth.models import DEFAULT
from onegov_auth.raw_tokens import hash_of, new_token, presented
from onegov_auth.whose import Whose, moment, select_whose

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.models import ApiToken, Entities
    from onegov_auth.raw_tokens import Presented

__all__ = ["MAX_PER_USER", "ApiTokenInfo", "ApiTokens", "Limits", "clean_name"]

#: How often a token's last use is written, in seconds.
TOUCH = 60.0

#: How many one person may have: whoever takes an account over hides nothing among thousands.
MAX_PER_USER = 50

#: Longer names are nobody's.
MAX_NAME = 100

#: Compared with where there is no such token, so that the time tells nothing (TOK-10).
_NOTHING = "0" * 64


class Limits(Protocol):
    """The part of the settings this module needs (``tokens.api``)."""

    @property
    def expires(self) -> timedelta:
        """How long a token is good at most."""

    @property
    def prefix(self) -> str:
        """What each begins with."""


@dataclass(frozen=True, slots=True)
class ApiTokenInfo:
    """
    A token as other rooms see it; its secret is not in it.

    Attributes:
        id: Safe to show and to link to.
        user_id: Whose it is.
        name: What the person calls it.
        scope: What it is good for; ``None`` for all its user may do.
        created: When it was made.
        expires: Until when it is good.
        last_used: When it was used last, to the minute.
    """

    id: UUID
    user_id: Any
    name: str
    scope: tuple[str, ...] | None
    created: datetime
    expires: datetime
    last_used: datetime | None = None


class ApiTokens:
    """
    Makes, finds and revokes API tokens.

    Args:
        database: Where they are kept.
        limits: How long they are good, and what they begin with.
        application: The application id an identity carries.
        clock: The time.
        entities: The mapped classes.
        choice: Chooses one of some characters, so that nobody can guess which.
    """

    def __init__(
        self,
        database: Database,
        limits: Limits,
        *,
        application: str,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
        choice: Callable[[Sequence[str]], str] = secrets.choice,
    ) -> None:
        self._database = database
        self._limits = limits
        self._application = application
        self._clock = clock
        self._choice = choice
        self._rows: Any = entities.api_token
        self._whose = Whose()
        self._lookup = database.prepare(_lookup_statement(entities))
        self._as_scope = self._lookup.prepared.converter(self._rows.__table__.c.scope)

    def create(
        self,
        db: Session,
        user_id: Any,
        name: str,
        *,
        scope: Iterable[str] | None = None,
        valid: timedelta | None = None,
    ) -> tuple[str, ApiTokenInfo]:
        """
        Make a token. Whether its user may do that is for the caller to know.

        Args:
            db: The unit of work to write in.
            user_id: Whose.
            name: What the person calls it.
            scope: What it is good for: permissions, and intents by name; ``None`` for all its user may do.
            valid: How long; as long as the settings allow if left out, and never longer.

        Returns:
            The token, which nobody can tell again, and what may be known of it.
        """
        token = new_token(self._limits.prefix, self._choice)
        known = presented(token)
        if known is None:
            raise AssertionError("unreachable")  # pragma: no cover - what we make has our form
        now = self._clock()
        row = self._rows(
            id=uuid4(),
            user_id=user_id,
            key=known.key,
            token_hash=hash_of(self._application, known),
            name=clean_name(name),
            scope=None if scope is None else sorted(set(scope)),
            created=now,
            expires=now + min(self._limits.expires, valid or self._limits.expires),
        )
        db.add(row)
        db.flush()
        return token, _info(row)

    def has_room(self, db: Session, user_id: Any) -> bool:
        """Whether the user may have one more."""
        own = select(func.count()).select_from(self._rows).where(self._rows.user_id == user_id)
        return int(db.scalar(own) or 0) < MAX_PER_USER

    def lookup(self, token: str) -> Identity | None:
        """
        Who comes by this token? One indexed statement; what is malformed is nobody's and asks no database (TOK-07).

        The time of its use is written at most once a minute, in a transaction of its own.
        """
        known = presented(token)
        return None if known is None else self.find(known)

    def find(self, token: Presented) -> Identity | None:
        """As :meth:`lookup`, for a token that was looked at already."""
        given = hash_of(self._application, token)
        now = self._clock()
        row = self._lookup(key=token.key, **moment(now))
        stored = _NOTHING if row is None else str(row[1])
        if not hmac.compare_digest(stored, given) or row is None:
            return None
        token_id, _, expires, last_used, scope, *user = row
        whose = self._whose.read(user, self._application)
        if now.timestamp() >= expires or not token.may_be_of(whose["userid"]):
            return None
        if last_used is None or now.timestamp() - last_used >= TOUCH:
            self._used(token_id if isinstance(token_id, UUID) else UUID(token_id), now)
        narrowed = self._as_scope(scope)
        return Identity(
            **whose,
            session_id=NO_SESSION,
            provider="token",
            scope=None if narrowed is None else frozenset(narrowed),
            by_token=True,
        )

    def list(self, db: Session, user_id: Any) -> list[ApiTokenInfo]:
        """A user's tokens, also those that have expired, the newest first."""
        own = select(self._rows).where(self._rows.user_id == user_id)
        return [_info(row) for row in db.scalars(own.order_by(self._rows.created.desc(), self._rows.id))]

    def get(self, db: Session, token_id: UUID) -> ApiTokenInfo | None:
        """A token by its public id."""
        row = db.get(self._rows, token_id)
        return None if row is None else _info(row)

    def revoke(self, db: Session, token_id: UUID) -> bool:
        """Let nobody in by this token any more, from the next request on; says whether it was there."""
        return self._delete(db, self._rows.id == token_id) == 1

    def cleanup(self, db: Session) -> int:
        """Delete the tokens that have expired; returns how many."""
        return self._delete(db, self._rows.expires <= self._clock())

    def _delete(self, db: Session, condition: Any) -> int:
        statement = delete(self._rows).where(condition).execution_options(synchronize_session="fetch")
        return int(getattr(db.execute(statement), "rowcount", 0))

    def _used(self, key: UUID, now: datetime) -> None:
        rows = self._rows
        before = now - timedelta(seconds=TOUCH)
        statement = (
            update(rows)
            .where(rows.id == key, or_(rows.last_used.is_(None), rows.last_used <= before))
            .values(last_used=now)
            .execution_options(synchronize_session=False)
        )
        try:
            with self._database.unit() as db:
                db.execute(statement)
        except OperationalError:
            # The database is busy or read-only: the request goes on, and the next one writes it.
            return


def clean_name(name: str) -> str:
    """A token's name without what can't be seen."""
    return "".join(char for char in name[:MAX_NAME] if char.isprintable()).strip()


def _info(row: ApiToken) -> ApiTokenInfo:
    scope = None if row.scope is None else tuple(row.scope)
    return ApiTokenInfo(row.id, row.user_id, row.name, scope, row.created, row.expires, row.last_used)


def _lookup_statement(entities: Entities) -> Any:
    tokens: Any = entities.api_token.__table__
    columns = (tokens.c.id, tokens.c.token_hash, tokens.c.expires, tokens.c.last_used, tokens.c.scope)
    return select_whose(entities, tokens, *columns).where(tokens.c.key == bindparam("key"))
