"""Somebody known follows the source: role, rights, real name, username."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from onegov_auth.accounts.roles import match_grants
from onegov_auth.accounts.rules import NO_ROLE, Rules, groups_step
from onegov_auth.domain import Client, Step, VerifiedIdentity
from onegov_auth.models import canonical_username, key_of, primary_key
from onegov_auth.outcomes import Refused
from onegov_auth.permissions.mapped import Change, MappedGrants

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.accounts.hooks import Hooks
    from onegov_auth.clock import Clock
    from onegov_auth.models import Entities, User
    from onegov_auth.providers import ProviderSettings

__all__ = ["Following"]


class Following:
    """
    The part of :class:`onegov_auth.accounts.Accounts` that changes whom a provider knows.

    Args:
        rules: What an identity becomes.
        hooks: What the application wants to be asked.
        clock: The time.
        entities: The mapped classes.
    """

    def __init__(self, rules: Rules, hooks: Hooks, clock: Clock, entities: Entities) -> None:
        self.rules = rules
        self.hooks = hooks
        self.grants = MappedGrants(entities, clock)
        self._clock = clock
        self._users: Any = entities.user

    def refresh(
        self, db: Session, user: User, identity: VerifiedIdentity, settings: ProviderSettings, client: Client
    ) -> tuple[Step, ...] | Refused:
        """
        Bring a user up to what the source says: role, real name, username.

        Returns:
            What changed; or ``Refused`` with ``no_role``, after the role was taken away, or ``refused_by_application``.
        """
        role = self.rules.role(user.role, user.role_origin, identity, settings)
        if role is None or role == NO_ROLE:
            self.take_away(db, user, client)
            return Refused("no_role", (groups_step(identity),))
        if not self.agrees(db, user, identity, role):
            return Refused("refused_by_application")
        steps: tuple[Step, ...] = ()
        if role != user.role:
            steps = (Step("role", f"{user.role} became {role}"),)
            user.role, user.role_origin = role, identity.source
            if self.hooks.on_rights_changed is not None:
                self.hooks.on_rights_changed(db, user, client)
        if identity.realname is not None:
            user.realname = identity.realname
        return (*steps, *self._rename(db, user, identity))

    def grant(
        self,
        db: Session,
        user: User,
        identity: VerifiedIdentity,
        settings: ProviderSettings,
        client: Client | None = None,
    ) -> tuple[Step, ...]:
        """
        Bring the rights of *user* up to what the groups give by ``grants``.

        Args:
            db: What to write in.
            user: Whom *identity* is linked to.
            identity: As the application maps it.
            settings: The provider's rules.
            client: From where, for the hook; ``None`` for somebody who is new, of whom it is not told.

        Returns:
            What changed, and what the settings give that isn't there.
        """
        key = key_of(user)
        wanted = {key: match_grants(settings, identity.groups)}
        change = self.grants.apply(db, identity.source, wanted).get(key, Change())
        if change and client is not None and self.hooks.on_rights_changed is not None:
            self.hooks.on_rights_changed(db, user, client)
        return change.steps

    def take_away(self, db: Session, user: User, client: Client) -> None:
        """Take the role away that a provider gave."""
        if user.role != NO_ROLE:
            # Taken by the provider, which may give it again: not a role given by hand.
            user.role, user.role_origin = NO_ROLE, user.role_origin
            if self.hooks.on_rights_changed is not None:
                self.hooks.on_rights_changed(db, user, client)
            db.flush()

    def _rename(self, db: Session, user: User, identity: VerifiedIdentity) -> tuple[Step, ...]:
        try:
            key = canonical_username(identity.username)
        except ValueError:
            return (Step("rename", "the name at the source can't be used"),)
        if not self.rules.follows(key, user.username_key, user.role, has_password=bool(user.password_hash)):
            return ()
        users = self._users
        taken = or_(users.username_key == key, users.email == key)
        if db.scalar(select(primary_key(users)).where(taken, users.username_key != user.username_key)) is not None:
            return (Step("rename", "the new name is taken"),)
        before, user.username = user.username, identity.username
        db.flush()
        if self.hooks.change_username_callback is not None:
            self.hooks.change_username_callback(db, user, before)
        return (Step("rename", f"{before} became {user.username}"),)

    def agrees(self, db: Session, user: User | None, identity: VerifiedIdentity, role: str) -> bool:
        """What ``ensure_user_callback`` says of a user, or of one that is about to be made."""
        callback = self.hooks.ensure_user_callback
        return callback is None or callback(db, user, identity, role) is True
