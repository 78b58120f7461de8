"""
Another e-mail address: confirmed by whoever reads it, and told to the old one, which can take it back.

A username that is the old address becomes the new one with the confirmation, because people log in with it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from onegov_auth.accounts.resolve import user_info
from onegov_auth.addresses import as_address
from onegov_auth.collections import awaits_activation
from onegov_auth.domain import Client, Identity, hexadecimal
from onegov_auth.models import as_key, canonical_username, key_of, primary_key
from onegov_auth.notices import address_of
from onegov_auth.outcomes import Done, Refused
from onegov_auth.self_service.mailing import token_name
from onegov_auth.self_service.own_account import OwnAccount
from onegov_auth.tokens import issue, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from onegov_auth.events import Event
    from onegov_auth.models import User

__all__ = ["EmailChanges"]

#: The purposes of the mailed tokens.
_CONFIRM, _REVOKE = "email", "email-revoke"

#: How long the old address can take a change back: long enough to be back from a journey.
REVOCABLE = timedelta(days=14)

#: Under this name in ``User.data``: the confirmed changes of the last :data:`REVOCABLE`, each as the old address, the
#: new one and when, the oldest first.
_CHANGES = "email_changes"


class EmailChanges(OwnAccount):
    """The part of :class:`onegov_auth.auth.Auth` by which people change their address."""

    def change_email(self, session: Identity, new: str, client: Client) -> Done | Refused:
        """
        Begin to change the address; nothing changes before the new one is confirmed (LINK-27).

        Whether somebody else has the new address is told to its owner, and not to whoever asks (ENUM-06).

        Returns:
            ``Done("email_pending")``; ``Refused`` with ``not_fresh``, ``invalid_address``, ``same_address`` or
            ``locked``.
        """
        event = self.event("email_change", client, session.userid)
        address = as_address(new)
        if not self.is_fresh(session):
            return self.refused(Refused("not_fresh"), event)
        if address is None:
            return self.refused(Refused("invalid_address"), event)
        # By a name that nobody can type where a new password is asked for: it would use up these tries.
        admitted = self.attempts.admit("recovery", f"email {self.keys.mac('email-tries', session.uid)}", client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)

        def work(db: Session) -> tuple[Done | Refused, Event]:
            user = self.locked(db, session.uid)
            if user is None or not user.is_active:
                return Refused("unknown_user"), event
            about = self.event("email_change", client, user=user)
            if address == user.email and user.email_verified:
                return Refused("same_address"), about
            user.email_pending = address
            db.flush()
            self._tell_both(db, user, address, client)
            return Done("email_pending", user_info(user)), about

        return self.do(event, work, admitted, every_use_counts=True)

    def _tell_both(self, db: Session, user: User, new: str, client: Client) -> None:
        owner = self._owner(db, user, new)
        valid = self.settings.registration.activation
        if owner is not None:
            values = self.notices.about(owner, client, url=self.notices.url("login"))
            self.notices.mail(db, "registration_taken", new, values, owner.language)
        else:
            data = {"user": hexadecimal(key_of(user)), "new": new}
            token = issue(self.keys, _CONFIRM, data, valid, self.clock, voided_by=_state(user))
            url = self.notices.url("account/email", confirm=token)
            values = self.notices.about(user, client, url=url, until=self.clock() + valid, new=new)
            self.notices.mail(db, "email_confirm", new, values, user.language)
        old = address_of(user)
        if old is not None:
            data = {"user": hexadecimal(key_of(user)), "new": new, "old": old, "username": user.username}
            token = issue(self.keys, _REVOKE, data, REVOCABLE, self.clock)
            url = self.notices.url("account/email", revoke=token)
            values = self.notices.about(user, client, url=url, until=self.clock() + REVOCABLE, new=new)
            self.notices.mail(db, "email_changed", old, values, user.language)

    def _owner(self, db: Session, user: User, address: str) -> User | None:
        """Whose address that is already; a registration nobody confirmed is nobody's."""
        others = [other for other in self.named(db, address) if key_of(other) != key_of(user)]
        return next((other for other in others if not awaits_activation(other)), None)

    def cancel_email(self, session: Identity, client: Client) -> Done | Refused:
        """Keep the present address after all."""

        def work(db: Session, user: User) -> Done:
            user.email_pending = None
            db.flush()
            return Done("email_cancelled", user_info(user))

        return self._change("email_cancelled", session, client, work)

    def pending_email(self, token: str) -> tuple[str, str] | None:
        """The username and the new address that *token* would confirm, to be shown before; consumes nothing."""
        with self.database.read() as db:
            found = self._confirmable(db, token)
            return None if found is None else (found[0].username, found[1])

    def confirm_email(self, token: str, client: Client) -> Done | Refused:
        """
        Take the new address, by the token mailed to it, once. Nobody is logged in by it (LINK-26).

        Returns:
            ``Done("email_changed")``; ``Refused`` with ``invalid_token``, ``address_taken`` or ``locked``.
        """
        event = self.event("email_changed", client)
        admitted = self.attempts.admit("recovery", f"email {token_name(token)}", client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)

        def work(db: Session) -> tuple[Done | Refused, Event]:
            found = self._confirmable(db, token)
            if found is None or not self._settle_pending(db, found[0], found[1]):
                return Refused("invalid_token"), event
            user, new = found
            about = self.event("email_changed", client, user=user)
            if self._owner(db, user, new) is not None:
                return Refused("address_taken"), about
            for other in self.named(db, new):
                if key_of(other) != key_of(user):
                    db.delete(other)
            db.flush()
            follows = user.username_key == canonical_username(user.email or user.username) and "@" in user.username
            self._note(user, new)
            user.email, user.email_verified = new, True
            if follows:
                self._rename(db, user, new)
            db.flush()
            return Done("email_changed", user_info(user)), about

        return self.do(event, work, admitted)

    def revocable_email(self, token: str) -> tuple[str, str] | None:
        """The username as the old address knows it, and the new address that *token* takes back; consumes nothing."""
        data = read(self.keys, _REVOKE, token, self.clock)
        if data is None:
            return None
        with self.database.read() as db:
            user = db.get(self.entities.user, as_key(self.entities.user, data["user"]))
            if user is None:
                return None
            if _made(user, data) is not None:
                return data["username"], str(user.email)
            return (data["username"], data["new"]) if data["new"] == user.email_pending else None

    def revoke_email(self, token: str, client: Client) -> Done | Refused:
        """
        Keep or restore the old address, by the token mailed to it: before and after the new one was confirmed.

        Somebody else may have been in the account: every session ends, and what is pending is dropped. Whatever
        was made of the new address since is taken back with it: a second change would otherwise void the link.

        Returns:
            ``Done("email_revoked")``; ``Refused`` with ``invalid_token`` or ``locked``.
        """
        data = read(self.keys, _REVOKE, token, self.clock)
        event = self.event("email_revoked", client)
        admitted = self.attempts.admit("recovery", f"email {token_name(token)}", client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)
        if data is None:
            return self.do(event, lambda _db: (Refused("invalid_token"), event), admitted)

        def work(db: Session) -> tuple[Done | Refused, Event]:
            user = self.locked(db, data["user"])
            if user is None or not self._take_back(db, user, data):
                return Refused("invalid_token"), event
            user.revoke_access()
            return Done("email_revoked", user_info(user)), self.event("email_revoked", client, user=user)

        return self.do(event, work, admitted)

    def _take_back(self, db: Session, user: User, data: Mapping[str, Any]) -> bool:
        number, old = _made(user, data), data["old"]
        if number is None:
            return self._settle_pending(db, user, data["new"])
        if self._owner(db, user, old) is not None:
            return False
        follows = user.username_key == canonical_username(user.email or "")
        user.data[_CHANGES] = user.data[_CHANGES][:number]
        user.email, user.email_verified = old, True
        # A token that was mailed to the new address is void.
        user.reset_stamp += 1
        if follows and user.username != data["username"]:
            self._rename(db, user, data["username"])
        db.flush()
        return True

    def _note(self, user: User, new: str) -> None:
        """Keep what a token of the old address takes back; called before the change."""
        now, before = self.clock(), user.data.get(_CHANGES) or []
        # An address that somebody else gave since, such as an operator, is nobody's to take back.
        unbroken = before and before[-1][1] == user.email
        kept = [change for change in before if unbroken and change[2] > (now - REVOCABLE).timestamp()]
        user.data[_CHANGES] = [*kept, [address_of(user), new, now.timestamp()]]

    def _settle_pending(self, db: Session, user: User, new: str) -> bool:
        """One conditional statement: of any number of clicks at once, one is the first (RACE-03)."""
        users: Any = self.entities.user
        settled = db.execute(
            update(users)
            .where(primary_key(users) == key_of(user), users.email_pending == new)
            .values(email_pending=None)
            .execution_options(synchronize_session=False)
        )
        db.refresh(user)
        return getattr(settled, "rowcount", 0) == 1

    def _confirmable(self, db: Session, token: str) -> tuple[User, str] | None:
        found: list[User] = []

        def state(data: Mapping[str, Any]) -> str | None:
            user = db.get(self.entities.user, as_key(self.entities.user, data["user"]))
            found.extend([] if user is None else [user])
            return None if user is None else _state(user)

        data = read(self.keys, _CONFIRM, token, self.clock, voided_by=state)
        return (found[0], data["new"]) if data is not None and found and found[0].is_active else None

    def _rename(self, db: Session, user: User, name: str) -> None:
        before, user.username = user.username, name
        db.flush()
        if self.hooks.change_username_callback is not None:
            self.hooks.change_username_callback(db, user, before)


def _state(user: User) -> str:
    """What a token to confirm an address depends on: a reset, or another change, voids it (LINK-23)."""
    return json.dumps([user.username_key, user.email, user.email_pending, user.password_hash])


def _made(user: User, data: Mapping[str, Any]) -> int | None:
    """Which of the confirmed changes a token takes back, with all that came after it; ``None`` if it is none."""
    changes = (user.data or {}).get(_CHANGES) or []
    if not changes or changes[-1][1] != user.email:
        return None
    numbers = [number for number, change in enumerate(changes) if change[:2] == [data["old"], data["new"]]]
    return numbers[-1] if numbers else None
