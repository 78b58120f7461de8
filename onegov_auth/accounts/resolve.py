"""
From a verified identity to the local user: find, link, provision, map.

The rules are those of the concept page "Who is it?", in this order. Every statement runs in the unit
of work that also opens the session, so that nothing is left half done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import bindparam, or_, select, update

from onegov_auth.accounts.following import Following
from onegov_auth.accounts.hooks import Hooks
from onegov_auth.accounts.local import LOCAL, SEEN, fingerprint
from onegov_auth.accounts.rules import NO_ROLE, Rules, groups_step, names_of, new_user, usable_id
from onegov_auth.accounts.unchanged import Unchanged, user_info
from onegov_auth.clock import Clock, utcnow
from onegov_auth.collections import awaits_activation
from onegov_auth.domain import Client, Step, UserInfo, VerifiedIdentity, hexadecimal
from onegov_auth.models import (
    DEFAULT,
    Columns,
    UTCDateTime,
    canonical_username,
    get_username_key,
    key_of,
    primary_key,
    step_names,
)
from onegov_auth.outcomes import Refused
from onegov_auth.statements import Prepared, driver_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.models import Entities, User, UserIdentity
    from onegov_auth.providers import ProviderSettings

__all__ = ["Accounts", "Conflict", "Resolved", "user_info"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The local user of an identity, how it was found, and whether it was made or linked just now."""

    user: UserInfo
    created: bool
    steps: tuple[Step, ...]
    linked: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody local has the same name, and may prove that both are one person."""

    user: UserInfo
    steps: tuple[Step, ...]


class Accounts(Following):
    """
    Finds or makes the local user of an identity.

    Args:
        database: Where they are kept.
        roles: All roles, the most powerful first.
        privileged_roles: Roles whose holders are never linked by e-mail.
        change_username_roles: Roles whose holders follow a rename at the source.
        password_login: Whether somebody with that role may log in with what is kept here (``passwords.login``).
        hooks: What the application wants to be asked.
        clock: The time.
        entities: The mapped classes.
    """

    def __init__(  # noqa: PLR0913 - collaborators and rules, handed in once
        self,
        database: Database,
        *,
        roles: Sequence[str],
        privileged_roles: Sequence[str] = (),
        change_username_roles: Sequence[str] = (),
        password_login: Callable[[str], bool] = lambda _role: True,
        hooks: Hooks | None = None,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
    ) -> None:
        rules = Rules(tuple(roles), frozenset(privileged_roles), frozenset(change_username_roles))
        super().__init__(rules, hooks or Hooks(), clock, entities)
        self._password_login = password_login
        self._identities: Any = entities.identity
        table: Any = self._users.__table__
        rows = Columns(self._users)
        columns = (
            rows.username,
            rows.role,
            rows.realname,
            rows.source,
            rows.source_id,
            self._users.active_at(bindparam("now", type_=UTCDateTime())),
            rows.password_hash,
            rows.pending_steps,
            rows.last_login,
        )
        key = primary_key(self._users)
        by_key = select(key, *columns).where(rows.username_key == bindparam("key")).with_for_update()
        self._by_key = Prepared(database.engine.dialect, by_key)
        self._as_key = self._by_key.converter(key)
        self._unchanged = Unchanged(database, entities, self.rules, clock)
        noted = {rows.last_login: bindparam("now"), rows.modified: rows.modified}
        logged_in = update(table).where(key == bindparam("key")).values(noted)
        self._logged_in = Prepared(database.engine.dialect, logged_in)

    def resolve(
        self,
        db: Session,
        identity: VerifiedIdentity,
        settings: ProviderSettings,
        client: Client,
        *,
        before_change: Callable[[], object] = lambda: None,
    ) -> Resolved | Conflict | Refused:
        """
        The local user of *identity*.

        Args:
            db: The unit of work to write in.
            identity: What a provider verified.
            settings: The provider's rules.
            client: From where, for hooks.
            before_change: Called before anybody is made, linked or changed.

        Returns:
            The user; a conflict that may be proven away (``link: prove``); or ``Refused`` with one of
            ``no_source_id``, ``issuer_changed``, ``identity_frozen``, ``inactive``, ``conflict``,
            ``conflict_privileged``, ``not_provisioned``, ``no_role``, ``invalid_username``,
            ``username_taken``, ``refused_by_application``, ``password_changed``, ``unknown_user``,
            ``not_a_user``, ``password_login_off``, or what the source bars the person for.
        """
        if identity.source == LOCAL:
            return self._local(db, identity)
        if not usable_id(identity):
            return Refused("no_source_id")
        if identity.barred is not None:
            return Refused(identity.barred)
        mapped = self.map(identity)
        if mapped is None:
            return Refused("not_a_user")
        # Whether somebody may come in is the application's to say of each login, if it wants to be asked.
        same = self._unchanged.find(db, mapped, settings) if self.hooks.ensure_user_callback is None else None
        if same is not None:
            return Resolved(same, created=False, steps=(groups_step(mapped),))
        before_change()
        row = self.identity(db, mapped)
        known = None if row is None else self._known(db, row, mapped, settings, client)
        return self.place(db, mapped, settings, client) if known is None else known

    def map(self, identity: VerifiedIdentity) -> VerifiedIdentity | None:
        """What the application makes of an identity (``map_identity``); ``None`` if it may be no user."""
        mapped = identity if self.hooks.map_identity is None else self.hooks.map_identity(identity)
        if mapped is None:
            return None
        if mapped.email and get_username_key(self._users) == "email":
            mapped = replace(mapped, username=mapped.email)
        if mapped is identity:
            return identity
        # Whoever could change the key would be somebody else.
        return replace(mapped, source=identity.source, issuer=identity.issuer, source_id=identity.source_id)

    def identity(self, db: Session, identity: VerifiedIdentity) -> UserIdentity | None:
        """The stored link of an identity: found by source and stable key, never by a name (LINK-01, LINK-02)."""
        rows = self._identities
        found: UserIdentity | None = db.scalar(
            select(rows).where(rows.source == identity.source, rows.source_id == identity.source_id)
        )
        return found

    def link(self, db: Session, user: UserInfo, identity: VerifiedIdentity, proof: str) -> Step:
        """
        Store that *identity* is *user*, and how that was proven.

        Raises:
            sqlalchemy.exc.IntegrityError: If the identity is somebody's already (LINK-11).
        """
        now = self._clock()
        db.add(
            self._identities(
                id=uuid4(),
                user_id=user.id,
                source=identity.source,
                issuer=identity.issuer,
                source_id=identity.source_id,
                proof=proof,
                frozen=False,
                created=now,
                last_used=now,
            )
        )
        db.flush()
        return Step("link", proof)

    def _local(self, db: Session, identity: VerifiedIdentity) -> Resolved | Refused:
        driver, key = driver_of(db), canonical_username(identity.username)
        row = self._by_key.one(driver, key=key, now=self._clock())
        if row is None or hexadecimal(row[0]) != identity.source_id:
            return Refused("unknown_user")
        id_, username, role, realname, source, source_id, active, password_hash, pending, last_login = row
        if not active:
            return Refused("inactive")
        if not self._password_login(role):
            return Refused("password_login_off")
        if identity.attributes.get(SEEN) != fingerprint(password_hash):
            return Refused("password_changed")
        # Which factors there are is asked once the row is locked: whoever sets the first one up may hold it now.
        user = UserInfo(
            self._as_key(id_),
            username,
            role,
            realname,
            source,
            source_id,
            pending_steps=step_names(pending) if pending else (),
            returning=last_login is not None,
        )
        return Resolved(user, created=False, steps=())

    def again(self, db: Session, user_id: UUID, identity: VerifiedIdentity) -> Resolved | Refused:
        """
        The user whom *identity* was resolved to a few minutes ago, if that still holds.

        What the provider said was applied then; only what may have changed since is looked at.
        """
        user: User | None = db.scalar(select(self._users).where(primary_key(self._users) == user_id).with_for_update())
        if user is None or not user.is_active:
            return Refused("inactive")
        if identity.source == LOCAL:
            if not self._password_login(user.role):
                return Refused("password_login_off")
            unchanged = identity.attributes.get(SEEN) == fingerprint(user.password_hash)
            return Resolved(user_info(user), created=False, steps=()) if unchanged else Refused("password_changed")
        row = self.identity(db, identity)
        if row is None or row.user_id != user_id or row.frozen:
            return Refused("identity_frozen")
        return Resolved(user_info(user), created=False, steps=()) if user.role != NO_ROLE else Refused("no_role")

    def _known(
        self, db: Session, row: UserIdentity, identity: VerifiedIdentity, settings: ProviderSettings, client: Client
    ) -> Resolved | Refused:
        if row.issuer != identity.issuer:
            return Refused("issuer_changed", (Step("issuer", f"{row.issuer} became {identity.issuer}"),))
        if row.frozen:
            return Refused("identity_frozen")
        user: User = db.scalars(
            select(self._users).where(primary_key(self._users) == row.user_id).with_for_update()
        ).one()
        if not user.is_active:
            return Refused("inactive")
        row.last_used = self._clock()
        return self._admit(db, user, identity, settings, client)

    def place(
        self, db: Session, identity: VerifiedIdentity, settings: ProviderSettings, client: Client
    ) -> Resolved | Conflict | Refused:
        """The user that somebody becomes to whom nobody is linked; *identity* is mapped already."""
        try:
            key = canonical_username(identity.username)
        except ValueError as error:
            return Refused("invalid_username", (Step("username", str(error)),))
        others = self._same_name(db, key, identity)
        if all(awaits_activation(other) for other in others):
            return self._provision(db, identity, settings, others)
        row = self.identity(db, identity)
        if row is not None:
            # Between the two look-ups the same person's other login was committed: no conflict, but oneself.
            return self._known(db, row, identity, settings, client)
        steps = (Step("conflict", ", ".join(sorted(other.username for other in others))),)
        if settings.link == "prove" and len(others) == 1 and others[0].is_active:
            return Conflict(user_info(others[0]), steps)
        code = self.rules.may_adopt(others, identity, settings)
        return self._adopt(db, others[0], identity, settings, client, steps) if code is None else Refused(code, steps)

    def _adopt(
        self,
        db: Session,
        other: User,
        identity: VerifiedIdentity,
        settings: ProviderSettings,
        client: Client,
        steps: tuple[Step, ...],
    ) -> Resolved | Refused:
        """Give the account of the same name to the identity; a refusal leaves no link behind."""
        savepoint = db.begin_nested()
        linked = self.link(db, user_info(other), identity, "verified_email")
        admitted = self._admit(db, other, identity, settings, client, steps=(*steps, linked))
        if isinstance(admitted, Refused):
            savepoint.rollback()
            return admitted
        return replace(admitted, linked=True)

    def _same_name(self, db: Session, key: str, identity: VerifiedIdentity) -> list[User]:
        users = self._users
        as_name, addresses = names_of(identity, key)
        taken = or_(users.username_key.in_({key, as_name}), users.email.in_(addresses))
        return list(db.scalars(select(users).where(taken).with_for_update()))

    def _provision(
        self, db: Session, identity: VerifiedIdentity, settings: ProviderSettings, unverified: Sequence[User]
    ) -> Resolved | Refused:
        if not settings.provision:
            return Refused("not_provisioned")
        role = self.rules.first_role(identity, settings)
        if role is None:
            return Refused("no_role", (groups_step(identity),))
        if not self.agrees(db, None, identity, role):
            return Refused("refused_by_application")
        for other in unverified:
            # LINK-20: what somebody registered and nobody confirmed keeps nobody out, and nothing of it stays.
            db.delete(other)
        db.flush()
        user: User = self._users(**new_user(identity, role, settings))
        db.add(user)
        db.flush()
        info = user_info(user)
        linked = self.link(db, info, identity, "provisioned")
        granted = self.grant(db, user, identity, settings)
        steps = (Step("provision", role), linked, *granted, groups_step(identity))
        return Resolved(info, created=True, steps=steps, linked=True)

    def _admit(
        self,
        db: Session,
        user: User,
        identity: VerifiedIdentity,
        settings: ProviderSettings,
        client: Client,
        steps: tuple[Step, ...] = (),
    ) -> Resolved | Refused:
        changed = self.refresh(db, user, identity, settings, client)
        if isinstance(changed, Refused):
            if changed.code == "no_role":
                self.grants.take_away(db, identity.source, [key_of(user)])
            return replace(changed, steps=(*steps, *changed.steps))
        changed += self.grant(db, user, identity, settings, client)
        user.source, user.source_id = identity.source, identity.source_id
        db.flush()
        return Resolved(user_info(user), created=False, steps=(*steps, *changed, groups_step(identity)))

    def logged_in(self, db: Session, user: UserInfo) -> None:
        """Note the time, at the end of the road."""
        self._logged_in.later(db, key=user.id, now=self._clock())

    def application_agrees(self, db: Session, user: UserInfo, identity: VerifiedIdentity) -> bool:
        """Whether the application lets *identity* become the account *user* (``ensure_user_callback``)."""
        return self.agrees(db, db.get_one(self._users, user.id), identity, user.role)
