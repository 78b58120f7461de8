"""Sessions that their provider ends: back-channel and front-channel logout, and whatever else it says by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import ColumnElement, delete, select

from onegov_auth.domain import Client, Step
from onegov_auth.events import Event, EventLog
from onegov_auth.outcomes import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from onegov_auth.accounts import Hooks
    from onegov_auth.database import Database
    from onegov_auth.models import Entities
    from onegov_auth.transactions import Transactions

__all__ = ["SessionsOfProvider"]

#: The answer, and what is to be told of it.
_Told: TypeAlias = tuple[int | Refused, list[Event]]


@dataclass(frozen=True, slots=True)
class SessionsOfProvider:
    """
    The :class:`onegov_auth.providers.ProviderSessions` of one provider.

    Attributes:
        provider: Its configured name.
        database: Where sessions are kept: what is ended there is over in all processes.
        transactions: Remembers what happened once.
        events: The event log.
        hooks: What the application wants to be told.
        entities: The mapped classes.
    """

    provider: str
    database: Database
    transactions: Transactions
    events: EventLog
    hooks: Hooks
    entities: Entities

    def end(
        self,
        client: Client,
        *,
        provider_session: str | None = None,
        source_id: str | None = None,
        once: str | None = None,
        valid_for: timedelta = timedelta(),
    ) -> int | Refused:
        """End sessions because the provider says so: see :meth:`onegov_auth.providers.ProviderSessions.end`."""
        named = self._named(provider_session, source_id)

        def work(db: Session) -> _Told:
            if once is not None and not self.transactions.once(db, self.provider, once, valid_for):
                return self._refused("replayed", client)
            people = self._people(db, named) if provider_session is not None else set()
            if source_id is not None and people and source_id not in people:
                return self._refused("wrong_person", client)
            ended = self._end(db, named if source_id is None else named & self._is_of(source_id))
            events = [self._tell(db, user_id, client, count) for user_id, count in ended.items()]
            return sum(ended.values()), events

        told = self.database.once(self._recorded(work))
        for event in told[1]:
            self.events.announce(event)
        return told[0]

    def once(self, key: str, valid_for: timedelta) -> bool:
        """Whether *key* is used for the first time: see :meth:`onegov_auth.providers.ProviderSessions.once`."""
        return self.database.once(lambda db: self.transactions.once(db, self.provider, key, valid_for))

    def _recorded(self, work: Callable[[Session], _Told]) -> Callable[[Session], _Told]:
        def record(db: Session) -> _Told:
            result, events = work(db)
            for event in events:
                self.events.record(db, event)
            return result, events

        return record

    def _named(self, provider_session: str | None, source_id: str | None) -> ColumnElement[bool]:
        rows: Any = self.entities.session
        if provider_session:
            # OpenID Connect Back-Channel Logout §2.7: the session that is named, and no other one of the person.
            condition = rows.provider_session == provider_session
        elif source_id:
            condition = rows.source_id == source_id
        else:
            raise ValueError("neither a session nor a person is named")
        mine: ColumnElement[bool] = (rows.provider == self.provider) & condition
        return mine

    def _people(self, db: Session, named: ColumnElement[bool]) -> set[str | None]:
        # A provider may give one session's name to several people who come by the same browser.
        return set(db.scalars(select(self.entities.session.source_id).where(named)))

    def _is_of(self, source_id: str) -> ColumnElement[bool]:
        rows: Any = self.entities.session
        person: ColumnElement[bool] = rows.source_id == source_id
        return person

    def _end(self, db: Session, named: ColumnElement[bool]) -> dict[Any, int]:
        rows: Any = self.entities.session
        statement = delete(rows).where(named).returning(rows.user_id).execution_options(synchronize_session=False)
        ended: dict[Any, int] = {}
        for user_id in db.scalars(statement):
            ended[user_id] = ended.get(user_id, 0) + 1
        return ended

    def _tell(self, db: Session, user_id: Any, client: Client, count: int) -> Event:
        user = db.get_one(self.entities.user, user_id)
        if self.hooks.on_logout is not None:
            self.hooks.on_logout(db, user, client)
        steps = (Step("provider", f"sessions ended: {count}"),)
        return Event(
            type="logout", client=client, user_id=user_id, username=user.username, provider=self.provider, steps=steps
        )

    def _refused(self, code: str, client: Client) -> _Told:
        return Refused(code), [Event(type="logout", client=client, code=code, provider=self.provider)]
