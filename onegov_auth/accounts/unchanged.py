"""
Somebody known who comes again as they were: found and noted by two statements.

That is nearly every login by a provider, and the ORM would take most of its time for changing nothing. In a unit of
work that is alone nothing is locked: that all is still as it was read is a condition of what is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Text, bindparam, cast, column, exists, func, literal_column, null, select, update

from onegov_auth.accounts.roles import match_grants
from onegov_auth.accounts.rules import NO_ROLE, Rules
from onegov_auth.clock import Clock
from onegov_auth.domain import UserInfo, VerifiedIdentity
from onegov_auth.models import Columns, UTCDateTime, canonical_username, key_of, primary_key, step_names
from onegov_auth.permissions.grants import Right
from onegov_auth.permissions.mapped import MappedGrants
from onegov_auth.statements import Prepared, driver_of, is_alone

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.models import Entities, User
    from onegov_auth.providers import ProviderSettings

__all__ = ["Found", "Unchanged", "user_info"]


class Found(NamedTuple):
    """The columns of a link and its user, as the driver returns them, in the order they are selected in."""

    link: Any
    issuer: str | None
    frozen: bool
    granted: bool
    id: Any
    username: str
    username_key: str
    role: str
    role_origin: str | None
    realname: str | None
    source: str | None
    source_id: str | None
    active: bool
    pending_steps: str | None
    last_login: Any
    factor_types: str | None
    sessions: int
    version: str | None


#: Rights of which it is not known which they are.
_SOMETHING: Mapping[Right, str | None] = {Right("permission", ""): None}

#: What stands in the user's row beside the key.
OF_THE_USER = Found._fields[5:-3]


class Unchanged:
    """
    Finds people of whom nothing is to be changed.

    Args:
        database: Where they are kept.
        entities: The mapped classes.
        rules: What an identity becomes.
        clock: The time.
    """

    def __init__(self, database: Database, entities: Entities, rules: Rules, clock: Clock) -> None:
        dialect = database.engine.dialect
        users: Any = entities.user
        user = Columns(users)
        active = users.active_at(bindparam("now", type_=UTCDateTime()))
        of_user = [active if name == "active" else getattr(user, name) for name in OF_THE_USER]
        table: Any = entities.identity.__table__
        link, key = table.c, primary_key(users)
        grant: Any = entities.grant
        granted = exists().where(grant.user_id == key, grant.origin == bindparam("by"))
        columns = [link.id, link.issuer, link.frozen, granted, key, *of_user, factor_types(entities)]
        columns.append(session_count(entities))
        columns.append(row_version(entities) if dialect.name == "postgresql" else null())
        whose = table.join(users.__table__, link.user_id == key)
        mine = (link.source == bindparam("by"), link.source_id == bindparam("as"))
        locked = select(key).select_from(whose).where(*mine).with_for_update(of=users.__table__)
        self._rules, self._clock = rules, clock
        # SQLite has one writer at a time.
        self._lock = Prepared(dialect, locked) if dialect.name == "postgresql" else None
        as_read = (key == bindparam("key"), row_version(entities) == bindparam("version"))
        self._hold = Prepared(dialect, select(key).where(*as_read).with_for_update())
        self._find = database.prepare(select(*columns).select_from(whose).where(*mine))
        self._held = Prepared(dialect, MappedGrants(entities, clock).held())
        thawed = (link.id == bindparam("link"), link.frozen.is_(False), link.user_id == bindparam("key"))
        self._use = Prepared(dialect, update(table).where(*thawed).values(last_used=bindparam("now")))
        self._as_key, self._as_link = self._held.converter(key), self._held.converter(link.id)

    def find(self, db: Session, identity: VerifiedIdentity, settings: ProviderSettings) -> UserInfo | None:
        """
        The user of *identity*, whose use was noted; ``None`` for everybody else, be they new, changed or refused.

        Args:
            db: The unit of work to write in.
            identity: As the application maps it.
            settings: The provider's rules.
        """
        found = self._read(db, identity)
        if found is None or not self._stays(found, identity, settings):
            return None
        if not self._keeps_grants(db, found, identity, settings):
            return None
        info = self._info(found)
        if found.version is not None:
            # In the order in which everybody locks: the user first.
            self._hold.claim(db, key=info.id, version=found.version)
        self._use.claim(db, link=self._as_link(found.link), key=info.id, now=self._clock())
        return info

    def _read(self, db: Session, identity: VerifiedIdentity) -> Found | None:
        mine, now = {"by": identity.source, "as": identity.source_id}, self._clock()
        if is_alone(db):
            row = self._find(**mine, now=now)
            return None if row is None else Found(*row)
        driver = driver_of(db)
        # A statement sees the tables as they were when it began, and not what the one wrote that it waited for.
        locked = None if self._lock is None else self._lock.one(driver, **mine)
        row = self._find.prepared.one(driver, **mine, now=now)
        found = None if row is None else Found(*row)._replace(version=None)
        # Somebody else's link by now: the long way sees to it.
        return found if found is None or self._lock is None or locked == (found.id,) else None

    def _stays(self, found: Found, identity: VerifiedIdentity, settings: ProviderSettings) -> bool:
        role = self._rules.role(found.role, found.role_origin, identity, settings)
        return (
            found.issuer == identity.issuer
            and not found.frozen
            and bool(found.active)
            and role == found.role != NO_ROLE
            and identity.realname in {None, found.realname}
            and (found.source, found.source_id) == (identity.source, identity.source_id)
            and self._keeps_name(found, identity)
        )

    def _keeps_grants(self, db: Session, found: Found, identity: VerifiedIdentity, settings: ProviderSettings) -> bool:
        wanted = match_grants(settings, identity.groups)
        if not (found.granted and wanted.rules):
            # Where a provider gives nothing, which is the rule, nothing more is asked.
            return wanted.fits(_SOMETHING if found.granted else {})
        held = self._held.all(driver_of(db), user=self._as_key(found.id), by=identity.source)
        return wanted.fits({Right(kind, name): rule for rule, kind, name in held})

    def _keeps_name(self, found: Found, identity: VerifiedIdentity) -> bool:
        try:
            return canonical_username(identity.username) == found.username_key
        except ValueError:
            # That is worth a word in the log.
            return False

    def _info(self, found: Found) -> UserInfo:
        return UserInfo(
            self._as_key(found.id),
            found.username,
            found.role,
            found.realname,
            found.source,
            found.source_id,
            pending_steps=step_names(found.pending_steps),
            returning=found.last_login is not None,
            factor_types=as_types(found.factor_types),
            sessions=found.sessions,
        )


def factor_types(entities: Entities) -> Any:
    """A column of a statement on the users: the types of second factor of each; see :func:`as_types`."""
    factors: Any = entities.factor.__table__.c
    comma: Any = literal_column("','")
    own = select(func.aggregate_strings(factors.type, comma)).where(factors.user_id == primary_key(entities.user))
    return own.scalar_subquery()


def session_count(entities: Entities) -> Any:
    """A column of a statement on the users: how many sessions of each are kept."""
    sessions: Any = entities.session.__table__.c
    own = select(func.count()).where(sessions.user_id == primary_key(entities.user))
    return own.scalar_subquery()


def row_version(entities: Entities) -> Any:
    """
    A column of a statement on the users, on PostgreSQL: changes whenever anything in the row does (``xmin``).

    See PostgreSQL 17, 5.6; a row that is only locked keeps it.
    """
    xmin: Any = column("xmin")
    xmin.table = entities.user.__table__
    return cast(xmin, Text)


def as_types(types: str | None) -> frozenset[str]:
    """What :func:`factor_types` says of a user."""
    return frozenset(types.split(",")) if types else frozenset()


def user_info(user: User) -> UserInfo:
    """What may be known of *user* outside of the database session."""
    return UserInfo(
        key_of(user),
        user.username,
        user.role,
        user.realname,
        user.source,
        user.source_id,
        user.is_active,
        step_names(user.pending_steps),
        user.last_login is not None,
    )
