"""
A provider that is not to be trusted any more: out with whoever came by it, and no way in by what it linked lately.

What it did before stays usable, or nobody could work; what is frozen is kept, so that it can be taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import aliased

from onegov_auth.models import DEFAULT, primary_key
from onegov_auth.permissions.mapped import MappedGrants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from onegov_auth.models import Entities

__all__ = ["Affected", "Distrust"]


@dataclass(frozen=True, slots=True)
class Affected:
    """
    Somebody whose sessions or API tokens end, whose rights by the provider go, or whose link is frozen or freed.

    Attributes:
        user_id: Who.
        username: Their name.
        role: What they may do, by other ways in too.
        sessions: How many of their sessions by the provider there are.
        linked: When they were linked to the provider, if that link is frozen or freed.
        proof: How that link was proven.
        grants: How many rights the provider's groups gave them.
        tokens: How many API tokens they made since.
    """

    user_id: Any
    username: str
    role: str
    sessions: int
    linked: datetime | None = None
    proof: str | None = None
    grants: int = 0
    tokens: int = 0


class Distrust:
    """
    What came by one provider.

    Args:
        provider: Its name in the settings, or the one it had there.
        since: From when on its links count.
        entities: The mapped classes.
    """

    def __init__(self, provider: str, since: datetime, *, entities: Entities = DEFAULT) -> None:
        self.provider = provider
        self.since = since
        self._grants = MappedGrants(entities)
        self._users: Any = entities.user
        self._sessions: Any = entities.session
        self._identities: Any = entities.identity
        self._tokens: Any = entities.api_token

    def is_known(self, db: Session) -> bool:
        """Whether anybody ever came by it."""
        rows = ((self._identities, self._identities.source), (self._sessions, self._sessions.provider))
        return any(db.scalar(select(row.id).where(name == self.provider).limit(1)) is not None for row, name in rows)

    def affected(self, db: Session) -> list[Affected]:
        """Whom :meth:`apply` would concern, by name."""
        counts = self._open_sessions(db), self._grants.held_of(db, self.provider), self._new_tokens(db)
        return self._people(db, *counts, frozen=False)

    def apply(self, db: Session) -> list[Affected]:
        """
        End all sessions by the provider, take away the rights its groups gave, and freeze the links it made since.

        Links to other providers are frozen as well that were made since out of a session of people who come by it.

        API tokens that were made since by people who come by it end as well: it may have been the provider who made
        them, and they would outlive its sessions by a year (TOK-03).

        Whoever still comes by it gets rights again as its groups give them.

        Returns:
            Whom it concerned, by name.
        """
        people = self.affected(db)
        revoked = delete(self._tokens).where(self._made_since())
        db.execute(revoked.execution_options(synchronize_session=False))
        self._grants.take_away(db, self.provider)
        self._freeze(db, frozen=True)
        # At last: who came in meanwhile by a link that was about to be frozen is out as well.
        ended = delete(self._sessions).where(self._sessions.provider == self.provider)
        db.execute(ended.execution_options(synchronize_session=False))
        return people

    def frozen(self, db: Session) -> list[Affected]:
        """Whom :meth:`undo` would concern, by name."""
        return self._people(db, {}, {}, {}, frozen=True)

    def undo(self, db: Session) -> list[Affected]:
        """
        Free the links of the provider that were made since and are frozen; sessions and rights don't come back.

        Returns:
            Whom it concerned, by name.
        """
        people = self.frozen(db)
        self._freeze(db, frozen=False)
        return people

    def _links(self, *, frozen: bool) -> ColumnElement[bool]:
        rows = self._identities
        own: ColumnElement[bool] = rows.source == self.provider
        if not frozen:
            # Beside its own those to other providers: whoever sat in a session by this one may have made them, so as
            # to come back. None is freed with its own: another provider may have been distrusted as well.
            own |= (rows.proof == "session") & self._came_by_it(rows.user_id)
        condition: ColumnElement[bool] = own & (rows.created >= self.since) & rows.frozen.is_(frozen)
        return condition

    def _freeze(self, db: Session, *, frozen: bool) -> None:
        statement = update(self._identities).where(self._links(frozen=not frozen)).values(frozen=frozen)
        db.execute(statement.execution_options(synchronize_session=False))

    def _open_sessions(self, db: Session) -> Mapping[Any, int]:
        rows = self._sessions
        counted = select(rows.user_id, func.count()).where(rows.provider == self.provider).group_by(rows.user_id)
        return dict(iter(db.execute(counted)))

    def _made_since(self) -> ColumnElement[bool]:
        """The API tokens of people who came by the provider, however they were logged in when they made them."""
        made_since: ColumnElement[bool] = self._tokens.created >= self.since
        return self._came_by_it(self._tokens.user_id) & made_since

    def _came_by_it(self, user_id: Any) -> ColumnElement[bool]:
        links, sessions = aliased(self._identities), self._sessions
        linked = select(links.user_id).where(links.source == self.provider)
        inside = select(sessions.user_id).where(sessions.provider == self.provider)
        theirs: ColumnElement[bool] = user_id.in_(linked) | user_id.in_(inside)
        return theirs

    def _new_tokens(self, db: Session) -> Mapping[Any, int]:
        rows = self._tokens
        counted = select(rows.user_id, func.count()).where(self._made_since()).group_by(rows.user_id)
        return dict(iter(db.execute(counted)))

    def _people(
        self,
        db: Session,
        sessions: Mapping[Any, int],
        grants: Mapping[Any, int],
        tokens: Mapping[Any, int],
        *,
        frozen: bool,
    ) -> list[Affected]:
        rows = self._identities
        links = select(rows.user_id, rows.created, rows.proof).where(self._links(frozen=frozen))
        # Of somebody with several the oldest is told.
        links = links.order_by(rows.created.desc())
        linked = {user_id: (created, proof) for user_id, created, proof in db.execute(links)}
        users, key = self._users, primary_key(self._users)
        concerned = sessions.keys() | linked.keys() | grants.keys() | tokens.keys()
        # All users and not a list of ids: a database takes only so many parameters.
        people = db.execute(select(key, users.username, users.role).order_by(users.username))
        return [
            Affected(
                *(id_, username, role, sessions.get(id_, 0)),
                *linked.get(id_, (None, None)),
                grants=grants.get(id_, 0),
                tokens=tokens.get(id_, 0),
            )
            for id_, username, role in people
            if id_ in concerned
        ]
