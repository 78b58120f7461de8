"""The people whom a directory has no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import aliased

from onegov_auth.accounts.rules import NO_ROLE
from onegov_auth.accounts.sync.report import Finding, State
from onegov_auth.accounts.sync.stage import Gone
from onegov_auth.models import clock_of, key_of, primary_key

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from onegov_auth.accounts.resolve import Accounts
    from onegov_auth.domain import Client
    from onegov_auth.models import Entities, User
    from onegov_auth.providers import SyncSettings

__all__ = ["Missing"]

#: Reasons for which somebody is missed like somebody who is not there; for all others the directory itself said no.
COUNTED = frozenset({"", "not_a_user"})


class Missing:
    """
    Counts who is missing, and shuts those out who are for good.

    Args:
        accounts: The rules, and the hooks to call.
        entities: The mapped classes.
        settings: When somebody is missing for good, and what comes of it.
        source: The provider.
        client: From where, for hooks.
    """

    def __init__(
        self, accounts: Accounts, entities: Entities, settings: SyncSettings, *, source: str, client: Client
    ) -> None:
        self._accounts = accounts
        self._settings = settings
        self._source = source
        self._client = client
        self._users: Any = entities.user
        self._identities: Any = entities.identity
        self._sessions: Any = entities.session
        self._key: Any = primary_key(self._users)

    def known(self, db: Session, size: int) -> Iterator[list[str]]:
        """
        The keys of everybody who is counted on, in batches.

        Who was missing for good at an earlier run is not: the leavers of all years are no drop.
        """
        rows = self._identities
        mine = select(rows.source_id).where(rows.source == self._source, rows.missed < self._settings.after)
        last = None
        while True:
            page = mine if last is None else mine.where(rows.source_id > last)
            found = list(db.scalars(page.order_by(rows.source_id).limit(size)))
            if not found:
                return
            yield found
            last = found[-1]

    def holders(self, db: Session, source_ids: Sequence[str]) -> int:
        """How many of these could come in so far with a role from the source."""
        return self._counted(db, source_ids, self._role_of_source())

    def entitled(self, db: Session, source_ids: Sequence[str], *, but: Sequence[str]) -> int:
        """How many of these have a right by the source, leaving out those of *but* whom :meth:`holders` counts."""
        counted_already = self._identities.source_id.in_(but) & self._role_of_source()
        granted = self._accounts.grants.held_by(self._source, self._key)
        return self._counted(db, source_ids, granted & ~counted_already)

    def _role_of_source(self) -> ColumnElement[bool]:
        users = self._users
        given: ColumnElement[bool] = users.role_origin.is_not(None) & (users.role != NO_ROLE)
        return given

    def _counted(self, db: Session, source_ids: Sequence[str], held: ColumnElement[bool]) -> int:
        """How many of these who could come in so far have *held*."""
        rows, users = self._identities, self._users
        counted = select(func.count()).select_from(rows).join(users, rows.user_id == self._key)
        mine = (rows.source == self._source, rows.source_id.in_(source_ids), users.active_at(clock_of(db)()))
        return int(db.scalar(counted.where(*mine, held)) or 0) if source_ids else 0

    def apply(self, db: Session, batch: Sequence[Gone]) -> list[Finding]:
        """A batch of those who are gone, in the unit of work *db*; may be called again after a lost race."""
        codes = {gone.source_id: gone.code for gone in batch}
        links, after = self._identities, self._settings.after
        mine = (links.source == self._source, links.source_id.in_(codes))
        found = list(db.execute(select(links.id, links.source_id, links.user_id, links.missed).where(*mine)))
        # The directory said no: that need not be seen twice.
        barred = [row.id for row in found if codes[row.source_id] not in COUNTED]
        self._count(db, [row.id for row in found if codes[row.source_id] in COUNTED], links.missed + 1)
        self._count(db, barred, after)
        users = self._load(db, [row.user_id for row in found])
        alone = self._without_another_way(db, list(users))
        findings = []
        for row in found:
            missed = after if row.id in barred else row.missed + 1
            user, code = users[row.user_id], codes[row.source_id]
            findings.append(self._judge(db, user, row.source_id, code, missed, alone=row.user_id in alone))
        db.flush()
        # Whoever is missing for good has nothing by the directory any more, in whatever way else they come in.
        final = (one for one in findings if one.state is State.DEACTIVATED or one.code == "another_way")
        self._accounts.grants.take_away(db, self._source, [one.user_id for one in final])
        return findings

    def _count(self, db: Session, ids: list[Any], missed: Any) -> None:
        if ids:
            rows = self._identities
            counted = update(rows).where(rows.id.in_(ids)).values(missed=missed)
            db.execute(counted.execution_options(synchronize_session=False))

    def _load(self, db: Session, keys: list[Any]) -> dict[Any, User]:
        found = select(self._users).where(self._key.in_(keys)).order_by(self._key).with_for_update()
        return {key_of(user): user for user in db.scalars(found.execution_options(populate_existing=True))}

    def _without_another_way(self, db: Session, keys: list[Any]) -> set[Any]:
        """Who can't come in but by this directory: no local password, and no other link that can be used."""
        other, users = aliased(self._identities), self._users
        living = (other.user_id == self._key, other.source != self._source, other.frozen.is_(False), other.missed == 0)
        alone = select(self._key).where(self._key.in_(keys), users.password_hash == "", ~exists().where(*living))
        return set(db.scalars(alone))

    def _judge(self, db: Session, user: User, source_id: str, code: str, missed: int, *, alone: bool) -> Finding:
        def finding(state: State, code: str, *, written: bool = True) -> Finding:
            return Finding(state, user.username, source_id, code, key_of(user), written)

        if missed < self._settings.after or self._settings.missing == "keep":
            return finding(State.MISSING, code or f"{missed}/{self._settings.after}")
        if not user.is_active:
            return finding(State.MISSING, "inactive")
        if not alone:
            self._detach(db, user)
            return finding(State.MISSING, "another_way")
        user.active = False
        user.deactivated_by = self._source
        db.flush()
        if self._accounts.hooks.on_deactivate is not None:
            self._accounts.hooks.on_deactivate(db, user, self._client)
        return finding(State.DEACTIVATED, code)

    def _detach(self, db: Session, user: User) -> None:
        """Take what the directory gave from somebody who has another way in: the role, and its own sessions."""
        if user.role_origin == self._source:
            self._accounts.take_away(db, user, self._client)
        own = (self._sessions.user_id == key_of(user), self._sessions.provider == self._source)
        db.execute(delete(self._sessions).where(*own).execution_options(synchronize_session="fetch"))
