"""
Server-side sessions: opened by one function, found by one indexed statement.

The browser holds 256 random bits, the table only their SHA-256 (ASVS 7.2.3, NIST 800-63B-4 §5.1): a
stolen table opens no session. A session ends by itself after its lifetime or when idle, and at once
by logout, by deactivation, or by a change of password, role or username.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import OperationalError

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Identity, SessionInfo
from onegov_auth.errors import DecryptionError
from onegov_auth.models import DEFAULT, primary_key
from onegov_auth.statements import Prepared
from onegov_auth.whose import Whose, moment, select_whose

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.domain import Client, UserInfo, VerifiedIdentity
    from onegov_auth.keys import Keys
    from onegov_auth.models import Entities, UserSession

__all__ = ["SessionLimits", "Sessions", "token_hash"]

#: How often a session's last-seen time is written, in seconds; shorter for a short idle time.
TOUCH = 60.0

#: The columns that :class:`SessionInfo` has as well.
_INFO = [field.name for field in fields(SessionInfo)]

#: The columns that are written beside them.
_MORE = ("token_hash", "factors", "refresh_token", "checked")

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class SessionLimits(Protocol):
    """The part of the settings this module needs (``sessions:``)."""

    @property
    def lifetime(self) -> timedelta:
        """How long a session lasts at most."""

    @property
    def idle(self) -> timedelta:
        """How long it lasts unused."""

    @property
    def remember(self) -> timedelta:
        """How long it lasts, idle or not, when the person asked to stay logged in."""

    @property
    def max_per_user(self) -> int:
        """How many one user may have; the longest unused ones make room."""


def token_hash(application: str, token: str) -> str:
    """
    What the table holds of a token. 256 random bits need no salt and no slow hash (ASVS 6.5.2).

    The application is part of it: where two share a table, a session of one is none of the other (ASVS 8.4.1).
    """
    return hashlib.sha256(f"{application}:{token}".encode()).hexdigest()


class Sessions:
    """
    Opens, finds and ends sessions.

    Args:
        database: Where they are kept.
        limits: How long they last.
        keys: Encrypts what a provider wants back at logout.
        application: The application id an identity carries.
        clock: The time.
        token: Makes a secret of the given number of random bytes, as URL-safe text.
        entities: The mapped classes.
        still_welcome: Whether a session that its provider vouched for at a time (seconds since 1970) may go on.
    """

    def __init__(  # noqa: PLR0913 - collaborators, handed in once
        self,
        database: Database,
        limits: SessionLimits,
        keys: Keys,
        *,
        application: str,
        clock: Clock = utcnow,
        token: Callable[[int], str] = secrets.token_urlsafe,
        entities: Entities = DEFAULT,
        still_welcome: Callable[[UUID, str, float], bool] = lambda _id, _provider, _checked: True,
    ) -> None:
        self._database = database
        self._limits = limits
        self._keys = keys
        self._application = application
        self._clock = clock
        self._token = token
        self._still_welcome = still_welcome
        self._sessions: Any = entities.session
        self._user: Any = entities.user
        self._idle = limits.idle.total_seconds()
        self._touch = min(TOUCH, self._idle / 10)
        rows: Any = entities.session.__table__
        by_token = rows.c.token_hash == bindparam("token_hash")
        self._lookup = database.prepare(_lookup_statement(entities, by_token))
        self._by_id = database.prepare(_lookup_statement(entities, rows.c.id == bindparam("session_id")))
        table, dialect = rows, database.engine.dialect
        self._insert = Prepared(dialect, insert(table), [*_INFO, *_MORE])
        self._make_room = Prepared(dialect, delete(table).where(table.c.id.in_(_beyond_statement(table))))
        self._whose = Whose()

    def open(
        self,
        db: Session,
        user: UserInfo,
        identity: VerifiedIdentity,
        client: Client,
        *,
        remember: bool = False,
        factors: Sequence[str] = (),
    ) -> tuple[str, SessionInfo]:
        """
        Open a session. Nobody but :class:`onegov_auth.auth.Auth` calls this, at the end of its one road.

        The session the request came with is ended in the same transaction (ASVS 7.2.4).

        Args:
            db: The unit of work to write in.
            user: Whose session; an active user.
            identity: How the person proved who they are.
            client: Where from.
            remember: Whether the person asked to stay logged in.
            factors: The second factors that were proven.

        Returns:
            The token for the cookie, and what may be known of the session.
        """
        if client.session_token is not None:
            self.end_token(db, client.session_token)
        now = self._clock()
        token = self._token(32)
        info = SessionInfo(
            id=uuid4(),
            user_id=user.id,
            provider=identity.source,
            source_id=identity.source_id,
            created=now,
            last_seen=now,
            expires=now + (self._limits.remember if remember else self._limits.lifetime),
            address=client.address,
            user_agent=(client.user_agent or "")[:400] or None,
            remember=remember,
            provider_session=identity.authn.session_id,
            logout_hint=identity.authn.logout_hint,
            issuer=identity.issuer,
            # A provider that asked the person nothing says when it last did.
            confirmed=min(identity.authn.at or now, now),
        )
        values: dict[str, Any] = {name: getattr(info, name) for name in _INFO} | {"factors": list(factors)}
        if info.logout_hint is not None:
            values["logout_hint"] = self._keys.encrypt("session", info.logout_hint, str(info.id))
        refresh = identity.authn.refresh_token
        values["refresh_token"] = None if refresh is None else self._keys.encrypt("refresh", refresh, str(info.id))
        values["checked"] = None if refresh is None else now
        self._make_room_for(db, user)
        self._insert.later(db, **values, token_hash=token_hash(self._application, token))
        return token, info

    def _make_room_for(self, db: Session, user: UserInfo) -> None:
        most = self._limits.max_per_user
        if user.sessions is None or user.sessions >= most:
            self._make_room.later(db, user_id=user.id, many=most - 1)

    def lookup(self, token: str) -> Identity | None:
        """
        Who has this token? One indexed statement; anything malformed is nobody (SESS-12).

        The last-seen time is written at most once a minute, in a transaction of its own.
        """
        if _TOKEN.fullmatch(token) is None:
            return None
        now = self._clock()
        row = self._lookup(token_hash=token_hash(self._application, token), **moment(now))
        return None if row is None else self._found(row, now.timestamp())

    def by_id(self, session_id: UUID) -> Identity | None:
        """
        Who has the session of this id, which is public: whoever asks has made sure of the person by other means.

        One indexed statement; otherwise as :meth:`lookup`.
        """
        now = self._clock()
        row = self._by_id(session_id=session_id, **moment(now))
        return None if row is None else self._found(row, now.timestamp())

    def _found(self, row: Sequence[Any], now: float) -> Identity | None:
        session_id, last_seen, expires, remember, provider, checked, confirmed, *user = row
        if now >= expires or (not remember and now >= last_seen + self._idle):
            return None
        id_ = session_id if isinstance(session_id, UUID) else UUID(session_id)
        if checked is not None and not self._still_welcome(id_, provider, checked):
            return None
        if now - last_seen >= self._touch:
            self._seen(id_, last_seen)
        whose = self._whose.read(user, self._application)
        return Identity(**whose, session_id=id_, provider=provider, confirmed=confirmed)

    def info(self, db: Session, session_id: UUID) -> SessionInfo | None:
        """A session by its public id."""
        row = db.get(self._sessions, session_id)
        return None if row is None else self._info(row)

    def list(self, db: Session, user_id: Any) -> list[SessionInfo]:
        """A user's sessions that still work, the one used last first."""
        rows = db.scalars(select(self._sessions).filter_by(user_id=user_id).order_by(self._sessions.last_seen.desc()))
        now = self._clock()
        return [self._info(row) for row in rows if self._alive(row, now)]

    def rotate(self, db: Session, session_id: UUID) -> str | None:
        """
        Give a session another token, because what it rests on has changed (ASVS 7.2.4).

        Its person has just proven who they are. Returns the token for the cookie; ``None`` if the session is over.
        """
        token, now, rows = self._token(32), self._clock(), self._sessions
        changed = db.execute(
            update(rows)
            .where(rows.id == session_id, rows.expires > now)
            .values(token_hash=token_hash(self._application, token), confirmed=now, last_seen=now)
            .execution_options(synchronize_session="fetch")
        )
        return token if getattr(changed, "rowcount", 0) == 1 else None

    def last_until(self, db: Session, session_id: UUID, until: datetime) -> None:
        """Let a session that was opened just now last until then, used or not: no browser has it, but an API client."""
        rows = self._sessions
        db.execute(
            update(rows)
            .where(rows.id == session_id)
            .values(expires=until, remember=True)
            .execution_options(synchronize_session="fetch")
        )

    def hold(self, db: Session, session_id: UUID) -> bool:
        """
        Keep a session, and its user as they are now, until *db* is committed: for whoever gives out what rests on both.

        A change that ends such things waits, and finds them; or this waits for it, and says that the session is over.
        """
        rows, users = self._sessions, self._user
        # In the order of every change of a user, so that neither waits for the other in a circle.
        own = select(rows.user_id).where(rows.id == session_id).scalar_subquery()
        key = primary_key(users)
        db.execute(select(key).where(key == own).with_for_update(read=True))
        return db.scalar(select(rows.id).where(rows.id == session_id).with_for_update()) is not None

    def end(self, db: Session, session_id: UUID) -> bool:
        """End one session; says whether it was there."""
        return self._delete(db, self._sessions.id == session_id) == 1

    def end_token(self, db: Session, token: str) -> bool:
        """End the session of that token; says whether it was there."""
        return self._delete(db, self._sessions.token_hash == token_hash(self._application, token)) == 1

    def end_all(self, db: Session, user_id: Any = None, *, keep: UUID | None = None) -> int:
        """
        End all sessions of a user, or of everybody.

        Args:
            db: The unit of work to write in.
            user_id: Whose; ``None`` for everybody's.
            keep: A session to leave.

        Returns:
            How many were ended.
        """
        conditions = [] if user_id is None else [self._sessions.user_id == user_id]
        if keep is not None:
            conditions.append(self._sessions.id != keep)
        return self._delete(db, *conditions)

    def still_open(self) -> Sequence[ColumnElement[bool]]:
        """The conditions on rows under which sessions work at this moment."""
        now, rows = self._clock(), self._sessions
        return rows.expires > now, rows.remember.is_(True) | (rows.last_seen > now - self._limits.idle)

    def cleanup(self, db: Session) -> int:
        """Delete the sessions that have ended by themselves; returns how many."""
        now = self._clock()
        idle = (self._sessions.last_seen <= now - self._limits.idle) & self._sessions.remember.is_(False)
        return self._delete(db, (self._sessions.expires <= now) | idle)

    def _delete(self, db: Session, *conditions: Any) -> int:
        statement = delete(self._sessions).where(*conditions).execution_options(synchronize_session="fetch")
        return int(getattr(db.execute(statement), "rowcount", 0))

    def _seen(self, key: UUID, last_seen: float) -> None:
        before = datetime.fromtimestamp(last_seen, self._clock().tzinfo)
        statement = (
            update(self._sessions)
            .where(self._sessions.id == key, self._sessions.last_seen <= before)
            .values(last_seen=self._clock())
            .execution_options(synchronize_session=False)
        )
        try:
            with self._database.unit() as db:
                db.execute(statement)
        except OperationalError:
            # The database is busy or read-only: the request goes on, and the next one writes it.
            return

    def _alive(self, row: UserSession, now: datetime) -> bool:
        return now < row.expires and (row.remember or now < row.last_seen + self._limits.idle)

    def _info(self, row: UserSession) -> SessionInfo:
        return SessionInfo(
            id=row.id,
            user_id=row.user_id,
            provider=row.provider,
            source_id=row.source_id,
            created=row.created,
            last_seen=row.last_seen,
            expires=row.expires,
            address=row.address,
            user_agent=row.user_agent,
            remember=row.remember,
            provider_session=row.provider_session,
            logout_hint=self._hint(row),
            issuer=row.issuer,
            confirmed=row.confirmed,
        )

    def _hint(self, row: UserSession) -> str | None:
        if not row.logout_hint:
            return None
        try:
            return self._keys.decrypt("session", row.logout_hint, str(row.id))
        except DecryptionError:
            # Its secret was taken out of the settings: the person can log out here all the same.
            return None


def _beyond_statement(table: Any) -> Any:
    """The sessions of a user beyond so many, the ones used last left out. SQLite knows no OFFSET without LIMIT."""
    rows = table.c
    newest = (
        select(rows.id).where(rows.user_id == bindparam("user_id")).order_by(rows.last_seen.desc(), rows.created.desc())
    )
    return newest.limit(1000).offset(bindparam("many"))


def _lookup_statement(entities: Entities, condition: Any) -> Any:
    sessions: Any = entities.session.__table__
    found = select_whose(
        entities,
        sessions,
        sessions.c.id,
        sessions.c.last_seen,
        sessions.c.expires,
        sessions.c.remember,
        sessions.c.provider,
        sessions.c.checked,
        sessions.c.confirmed,
    )
    return found.where(condition)
