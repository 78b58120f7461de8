"""
Long sessions are asked about again: does the provider still vouch for the person?

The look-up of a session brings along when it was checked last. If that is too long ago, one request in all
processes asks the provider, chosen by one conditional statement; the others go on with the session as it was.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import OperationalError

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Client, Step
from onegov_auth.errors import DecryptionError
from onegov_auth.events import Event, EventLog
from onegov_auth.models import DEFAULT
from onegov_auth.outcomes import Rechecked, Refused, Unavailable
from onegov_auth.providers import RedirectProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.keys import Keys
    from onegov_auth.models import Entities
    from onegov_auth.providers import Provider
    from onegov_auth.providers.health import Health
    from onegov_auth.sessions import Sessions

__all__ = ["PAUSE", "Rechecks"]

log = logging.getLogger("onegov_auth")

#: How long nobody else asks: longer than any answer takes, so that a refresh token is used once at a time (RFC 9700
#: §4.14), and often enough for a provider that was down.
PAUSE = timedelta(minutes=1)

#: For so many times of the configured interval a session goes on while nobody can say.
PATIENCE = 2


class Rechecks:
    """
    Asks the providers about their sessions.

    Args:
        database: Where sessions are kept.
        sessions: Reads them.
        keys: Decrypts what a provider is asked with.
        providers: The configured ones, by name.
        health: Is told whether a provider answers.
        events: The event log.
        clock: The time.
        entities: The mapped classes.
    """

    def __init__(  # noqa: PLR0913 - collaborators, handed in once
        self,
        database: Database,
        sessions: Sessions,
        keys: Keys,
        *,
        providers: Callable[[], Mapping[str, Provider]],
        health: Health,
        events: EventLog,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._keys = keys
        self._providers = providers
        self._health = health
        self._events = events
        self._clock = clock
        self._rows: Any = entities.session
        self._users: Any = entities.user

    def still_welcome(self, session_id: UUID, provider: str, checked: float) -> bool:
        """
        Whether a session may go on.

        Args:
            session_id: The session's public id.
            provider: Who vouched for the person.
            checked: When it last did, in seconds since 1970.

        Returns:
            False if the provider refused, or could not say for too long: then the session is ended.
        """
        chosen = self._providers().get(provider)
        after = chosen.recheck_after if isinstance(chosen, RedirectProvider) else None
        last = datetime.fromtimestamp(checked, UTC)
        age = self._clock() - last
        if not isinstance(chosen, RedirectProvider) or after is None or age < after:
            return True
        try:
            mine = self._claim(session_id, last)
        except OperationalError:
            # The database is busy or read-only: the next request asks.
            return age < PATIENCE * after
        return self._check(session_id, chosen, bearable=age < PATIENCE * after) if mine else True

    def token_of(self, db: Session, session_id: UUID) -> str | None:
        """What the provider is asked with about a session; ``None`` if there is nothing that can be read."""
        sealed = db.scalar(select(self._rows.refresh_token).where(self._rows.id == session_id))
        if sealed is None:
            return None
        try:
            return self._keys.decrypt("refresh", sealed, str(session_id))
        except DecryptionError:
            # Its secret was taken out of the settings.
            return None

    def _claim(self, session_id: UUID, last: datetime) -> bool:
        rows, now = self._rows, self._clock()
        statement = (
            update(rows)
            .where(
                rows.id == session_id,
                rows.checked == last,
                or_(rows.check_began.is_(None), rows.check_began <= now - PAUSE),
            )
            .values(check_began=now)
            .execution_options(synchronize_session=False)
        )
        with self._database.unit() as db:
            return int(getattr(db.execute(statement), "rowcount", 0)) == 1

    def _check(self, session_id: UUID, provider: RedirectProvider, *, bearable: bool) -> bool:
        with self._database.read() as db:
            session, token = self._sessions.info(db, session_id), self.token_of(db, session_id)
        if session is None:
            return False
        if token is None:
            return self._end(session_id, Refused("recheck_unreadable"))
        verdict = provider.recheck(token, session)
        self._health.note(provider.name, verdict)
        if isinstance(verdict, Rechecked):
            return self._renew(session_id, verdict)
        if isinstance(verdict, Unavailable) and bearable:
            log.warning("The sessions of %s can't be checked again: %s", provider.name, verdict.code)
            return True
        return self._end(session_id, verdict)

    def _renew(self, session_id: UUID, verdict: Rechecked) -> bool:
        """Keep what the provider gave; a session that was ended meanwhile stays so (RACE-15)."""
        values: dict[str, Any] = {
            "refresh_token": self._keys.encrypt("refresh", verdict.token, str(session_id)),
            "checked": self._clock(),
            "check_began": None,
        }
        if verdict.id_token is not None:
            values["logout_hint"] = self._keys.encrypt("session", verdict.id_token, str(session_id))
        statement = update(self._rows).where(self._rows.id == session_id).values(**values)
        with self._database.unit() as db:
            changed = db.execute(statement.execution_options(synchronize_session=False))
            return int(getattr(changed, "rowcount", 0)) == 1

    def _end(self, session_id: UUID, verdict: Refused | Unavailable) -> bool:
        def work(db: Session) -> Event | None:
            session = self._sessions.info(db, session_id)
            if session is None or not self._sessions.end(db, session_id):
                return None
            user = db.get_one(self._users, session.user_id)
            event = Event(
                type="session_ended",
                client=Client(address=session.address or "unknown", user_agent=session.user_agent),
                code=verdict.code,
                user_id=session.user_id,
                username=user.username,
                provider=session.provider,
                steps=(Step("recheck", "the provider does not vouch for the person any more"), *verdict.steps),
            )
            self._events.record(db, event)
            return event

        event = self._database.once(work)
        if event is not None:
            self._events.announce(event)
        return False
