"""Joining: register, confirm by mail, and by which links more than anybody may."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from onegov_auth.accounts.resolve import user_info
from onegov_auth.addresses import as_address
from onegov_auth.collections import UserCollection, awaits_activation
from onegov_auth.domain import Client, Step, hexadecimal
from onegov_auth.errors import (
    AlreadyActivatedError,
    ExpiredSignupLinkError,
    InvalidActivationTokenError,
)
from onegov_auth.models import as_key, key_of
from onegov_auth.notices import address_of
from onegov_auth.outcomes import Done, Refused
from onegov_auth.self_service.mailing import SelfService, token_name, told
from onegov_auth.signup import Invitation
from onegov_auth.tokens import issue, read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy.orm import Session

    from onegov_auth.domain import Identity
    from onegov_auth.events import Event
    from onegov_auth.models import User

__all__ = ["Registering", "RegistrationData"]

#: The purpose of the mailed tokens.
_ACTIVATE = "activate"

#: Who makes a link in whose name nobody is logged in.
_ITSELF = Client(address="application")


class RegistrationData(Protocol):
    """What is read of a form: :class:`onegov_auth.forms.RegistrationForm` has it, and more."""

    username: Any
    password: Any


class Registering(SelfService):
    """The part of :class:`onegov_auth.auth.Auth` by which people join."""

    # -- signup links --------------------------------------------------------------------------

    def new_signup_token(
        self,
        role: str,
        max_age: int = 86400,
        max_uses: int = 1,
        *,
        group: Any = None,
        domain: str | None = None,
        by: Identity | None = None,
    ) -> str:
        """
        The token of a new signup link; :meth:`signup_url` makes the link of it.

        Args:
            role: The role people get who register by it.
            max_age: How long it is good, in seconds.
            max_uses: How many people may come.
            group: The id of the group they become members of.
            domain: The domain their addresses have to be of.
            by: Who makes it; ``None`` for the application itself, which may give every role.

        Raises:
            ForbiddenRoleError: If *by* may not give that role.
            ValueError: If there is no such role or group, or a number is out of range.
        """
        group_id = None if group is None else as_key(self.entities.group, group)

        def work(db: Session) -> tuple[str, Event]:
            maker = None if by is None else self.locked(db, by.uid)
            if by is not None and maker is None:
                raise ValueError("nobody makes that link")
            if group is not None and (group_id is None or db.get(self.entities.group, group_id) is None):
                raise ValueError(f"there is no group {group}")
            token, row = self.signup_links.make(
                db, role, timedelta(seconds=max_age), max_uses, group_id=group_id, domain=domain, by=maker
            )
            event = self.event("signup_link", _ITSELF, user=maker)
            event = told(event, Step("link", str(row.id)), Step("role", role), Step("uses", str(max_uses)))
            self.events.record(db, event)
            return token, event

        token, event = self.database.once(work)
        self.events.announce(event)
        return token

    def signup_url(self, token: str) -> str:
        """The address to hand to whoever may register by that token."""
        return self.notices.url("register", token=token)

    def decode_signup_token(self, token: str) -> Mapping[str, Any] | None:
        """What *token* says: ``role``, ``max_uses``; ``None`` if it is forged or too old."""
        return self.signup_links.decode(token)

    def revoke_signup_link(self, link_id: UUID | str, client: Client, by: Identity | None = None) -> bool:
        """Let nobody in by that link any more; says whether it was in force. Who came in stays."""
        event = self.event("signup_link_revoked", client, None if by is None else by.userid)

        def work(db: Session) -> tuple[Done | Refused, Event]:
            user = None if by is None else self.locked(db, by.uid)
            about = self.event("signup_link_revoked", client, event.username, user)
            if not self.signup_links.revoke(db, link_id):
                return Refused("unknown_signup_link", (Step("link", str(link_id)),)), about
            return Done("signup_link_revoked"), told(about, Step("link", str(link_id)))

        return isinstance(self.do(event, work), Done)

    def permitted_role_for_registration(self, signup_token: str | None = None) -> str | None:
        """The role that somebody who registers now gets; ``None`` if they can't."""
        role: str | None = self.settings.registration.role
        if signup_token is not None:
            with self.database.read() as db:
                role = self.signup_links.permitted_role(db, signup_token)
        # Whoever registers chooses a password here, and could do nothing with it.
        return role if role is not None and self.password_login(role) else None

    def registration_open(self, signup_token: str | None = None) -> bool:
        """Whether somebody may register: everybody where it is switched on, and by a link that is in force."""
        if signup_token is None:
            return self.settings.registration.enabled and self.permitted_role_for_registration() is not None
        return self.permitted_role_for_registration(signup_token) is not None

    def foreign_domain(self, signup_token: str | None, address: str) -> str | None:
        """The domain that a signup link in force is for, if *address* is not of it; ``None`` if it may come by it."""
        if signup_token is None:
            return None
        with self.database.read() as db:
            return self.signup_links.foreign_to(db, signup_token, address)

    # -- registration --------------------------------------------------------------------------

    def register(self, form: RegistrationData, client: Client, signup_token: str | None = None) -> Done | Refused:
        """
        Register: add an account that waits to be confirmed by mail, or tell the owner of one that is there.

        Nobody learns from the answer, or from the time it takes, whether the address is taken (ENUM-05).

        Args:
            form: With fields ``username`` (an e-mail address) and ``password``.
            client: From where.
            signup_token: Of a signup link.

        Returns:
            ``Done("registered")``; ``Refused`` with ``registration_disabled``, ``robot``, ``invalid_username``,
            ``foreign_address`` (the link is for another domain) or ``locked``.

        Raises:
            ExpiredSignupLinkError: If the link lets nobody in any more.
            InsecurePasswordError: If the policy forbids the password.
            InvalidPasswordError: If it can't be hashed.
        """
        typed, password = str(form.username.data or ""), str(form.password.data or "")
        event = self.event("registration", client, typed)
        if signup_token is None and not self.registration_open():
            return self.refused(Refused("registration_disabled"), event)
        if getattr(getattr(form, "roboter_falle", None), "data", None):
            return self.refused(Refused("robot"), event)
        address = as_address(typed)
        if address is None or self.foreign_domain(signup_token, address) is not None:
            return self.refused(Refused("foreign_address" if address else "invalid_username"), event)
        admitted = self.attempts.admit("signup", address, client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)
        hashed = self.prepared(admitted, password, address)
        invited = signup_token is not None and self.registration_open(signup_token)

        def work(db: Session) -> tuple[Done | Refused, Event]:
            invitation = self.signup_links.use(db, signup_token, address) if signup_token and invited else None
            if signup_token is not None and invitation is None:
                return Refused("expired_signup_link"), event
            return Done("registered"), self._join(db, address, hashed, invitation, client)

        result = self.do(event, work, admitted, every_use_counts=True)
        if isinstance(result, Refused) and result.code == "expired_signup_link":
            raise ExpiredSignupLinkError
        return result

    def _join(self, db: Session, address: str, hashed: str, invitation: Invitation | None, client: Client) -> Event:
        others = self.named(db, address)
        owners = [other for other in others if not awaits_activation(other)]
        event = self.event("registration", client, address)
        if owners:
            self._add_nobody(db, hashed, invitation)
            to = next((to for owner in owners if (to := address_of(owner)) is not None), None)
            if to is None:
                self.send_nothing(db, "registration_taken", client)
            else:
                values = self.notices.about(owners[0], client, url=self.notices.url("login"))
                self.notices.mail(db, "registration_taken", to, values, owners[0].language)
            return told(event, Step("taken", owners[0].username), code="existing_user")
        browser = _browser(client)
        contested = any(
            browser is None or other.data.get("contested") or other.data.get("registered_by") != browser
            for other in others
        )
        for other in others:
            # What nobody confirmed is nobody's, and must not keep the owner of the address out (LINK-20).
            db.delete(other)
        db.flush()
        data: dict[str, object] = {"registered_by": browser, **({"contested": True} if contested else {})}
        user = self._add(db, address, hashed, invitation, data)
        self._send_activation(db, user, client)
        if self.hooks.on_register is not None:
            self.hooks.on_register(db, user, client)
        steps = () if invitation is None else (Step("link", str(invitation.link)), Step("role", invitation.role))
        return told(self.event("registration", client, user=user), *steps)

    def _add(
        self, db: Session, address: str, hashed: str, invitation: Invitation | None, data: dict[str, object]
    ) -> User:
        user: User = self.entities.user(
            username=address,
            email=address,
            password_hash=hashed,
            role=self.settings.registration.role if invitation is None else invitation.role,
            active=False,
            data={"activation_token": secrets.token_hex(32), **data},
            signup_token=None if invitation is None else invitation.token_hash,
        )
        db.add(user)
        if invitation is not None and invitation.group_id is not None:
            user.groups = [db.get_one(self.entities.group, invitation.group_id)]
        db.flush()
        return user

    def _add_nobody(self, db: Session, hashed: str, invitation: Invitation | None) -> None:
        """As much work as adding somebody (ENUM-05)."""
        savepoint = db.begin_nested()
        self._add(db, f"{secrets.token_hex(16)}@example.org", hashed, invitation, {})
        savepoint.rollback()

    def _send_activation(self, db: Session, user: User, client: Client) -> None:
        valid = self.settings.registration.activation
        data = {"user": hexadecimal(key_of(user)), "token": user.data["activation_token"]}
        token = issue(self.keys, _ACTIVATE, data, valid, self.clock)
        url = self.notices.url("activate", token=token)
        values = self.notices.about(user, client, url=url, until=self.clock() + valid)
        self.notices.mail(db, "activate", user.username, values, user.language or client.language)

    def resend(self, email: str, client: Client) -> None:
        """
        Send the mail once more by which an account is confirmed, if there is one that waits for it.

        Nobody learns from it whether there is.
        """
        event = self.event("activation_resent", client, email)
        admitted = self.attempts.admit("signup", email, client)
        if isinstance(admitted, Refused):
            self.refused(admitted, event)
            return

        def work(db: Session) -> tuple[None, Event]:
            waiting = [user for user in self.named(db, email) if awaits_activation(user)]
            for user in waiting:
                self._send_activation(db, user, client)
                return None, self.event("activation_resent", client, user=user)
            self.send_nothing(db, "activate", client)
            return None, told(event, code="unknown_user")

        self.do(event, work, admitted, every_use_counts=True)

    # -- activation ----------------------------------------------------------------------------

    def pending_activation(self, token: str) -> str | None:
        """Whose account *token* would activate, to be shown before anybody does (LINK-26); consumes nothing."""
        data = read(self.keys, _ACTIVATE, token, self.clock)
        if data is None:
            return None
        with self.database.read() as db:
            user = db.get(self.entities.user, as_key(self.entities.user, data["user"]))
            good = user is not None and awaits_activation(user) and user.data["activation_token"] == data["token"]
            return user.username if user is not None and good else None

    def activate(self, token: str, client: Client) -> Done | Refused:
        """
        Activate the account of a mailed token, once. Nobody is logged in by it (LINK-26).

        Where several people registered one address, nobody knows whose password was kept: unless it was given in
        this very browser, it is dropped, and a mail to choose another one is sent (LINK-20).

        Returns:
            ``Done`` with ``activated`` or ``activated_without_password``; ``Refused`` with ``invalid_token``,
            ``already_activated`` or ``locked``.
        """
        data = read(self.keys, _ACTIVATE, token, self.clock)
        event = self.event("activation", client)
        admitted = self.attempts.admit("signup", f"activate {token_name(token)}", client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)
        if data is None:
            return self.do(event, lambda _db: (Refused("invalid_token"), event), admitted)

        def work(db: Session) -> tuple[Done | Refused, Event]:
            user = self.locked(db, data["user"])
            if user is None:
                return Refused("invalid_token"), event
            about = self.event("activation", client, user=user)
            try:
                UserCollection(db).activate_with_token(user.username, data["token"])
            except AlreadyActivatedError:
                return Refused("already_activated"), about
            except InvalidActivationTokenError:
                return Refused("invalid_token"), about
            return self._activated(db, user, client), about

        return self.do(event, work, admitted)

    def _activated(self, db: Session, user: User, client: Client) -> Done:
        browser = _browser(client)
        mine = browser is not None and user.data.pop("registered_by", None) == browser
        contested = user.data.pop("contested", False)
        user.data.pop("registered_by", None)
        db.flush()
        if mine or not contested:
            return Done("activated", user_info(user))
        user.password_hash = ""
        db.flush()
        valid = self.settings.recovery.valid
        url = self.notices.url("reset-password", token=user.token_generate(valid))
        self.notices.tell(db, user, "reset", client, url=url, until=self.clock() + valid)
        return Done("activated_without_password", user_info(user))


def _browser(client: Client) -> str | None:
    return None if not client.browser else hashlib.sha256(client.browser.encode()).hexdigest()[:32]
