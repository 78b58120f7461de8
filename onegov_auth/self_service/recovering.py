"""Getting back in after the password was forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import update

from onegov_auth.accounts.resolve import user_info
from onegov_auth.addresses import as_address
from onegov_auth.collections import awaits_activation
from onegov_auth.domain import Step
from onegov_auth.models import RESET, as_key, canonical_username, key_of, user_id_in
from onegov_auth.notices import address_of
from onegov_auth.outcomes import Done, Refused
from onegov_auth.self_service.mailing import token_name, told
from onegov_auth.self_service.registering import Registering
from onegov_auth.tokens import issue, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from onegov_auth.domain import Client
    from onegov_auth.events import Event
    from onegov_auth.models import User

__all__ = ["Recovering", "is_external", "password_reset_url"]


def is_external(user: User) -> bool:
    """Whether only a provider knows this user, who has no password here."""
    return bool(user.source) and not user.password_hash


def password_reset_url(user: User, request: object, url: str) -> str | None:
    """
    The first seed's link to reset the password of *user*.

    Args:
        user: In a session with keys.
        request: Not needed; the first seed's signature.
        url: The page, whose query is kept.

    Returns:
        *url* with a ``token``; ``None`` for somebody who has no password here.
    """
    del request
    if is_external(user):
        return None
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}{urlencode({'token': user.token_generate()})}"


class Recovering(Registering):
    """The part of :class:`onegov_auth.auth.Auth` for who forgot the password."""

    def recover(self, email: str, client: Client) -> None:
        """
        Send a link to choose another password, to the stored address of whoever has that one (UNI-01).

        Nobody learns from it, or from the time it takes, whether there is such an account (ENUM-04). Who logs in
        elsewhere is told so; a registration that waits to be confirmed gets that mail again (RESET-07).
        """
        event = self.event("recovery", client, email)
        if not self.settings.recovery.enabled:
            self.refused(Refused("recovery_disabled"), event)
            return
        admitted = self.attempts.admit("recovery", email, client, covert=True)
        if isinstance(admitted, Refused):
            self.refused(admitted, event)
            return
        void = admitted.void

        def work(db: Session) -> tuple[None, Event]:
            if void:
                # By another name, this person was sent as many mails as anybody gets.
                self._recover_nobody(db, client)
                return None, told(event, code="locked")
            # Somebody whose address nobody verified is not to stand before its owner (LINK-24).
            users = sorted(self.named(db, email), key=awaits_activation)
            for user in users:
                code = self._send_recovery(db, user, client)
                if code is not None:
                    return None, told(self.event("recovery", client, user=user), code=code)
            self._recover_nobody(db, client)
            if not users:
                return None, told(event, code="unknown_user")
            return None, told(self.event("recovery", client, user=users[0]), code="nothing_to_send")

        self.do(event, work, admitted, every_use_counts=True)

    def _send_recovery(self, db: Session, user: User, client: Client) -> str | None:
        """Send what fits; returns what it was, ``None`` if nothing."""
        if awaits_activation(user):
            self._send_activation(db, user, client)
            return "not_activated"
        if not user.may_recover or address_of(user) is None:
            return None
        if not self.password_login(user.role) and not user.source:
            # A new password would not let them in.
            return None
        if is_external(user) or not self.password_login(user.role):
            self.notices.tell(db, user, "reset_external", client, url=self.notices.url("login"), provider=user.source)
            return "external_user"
        # RESET-02: an older link is void as soon as there is a newer one.
        user.reset_stamp += 1
        db.flush()
        valid = self.settings.recovery.valid
        url = self.notices.url("reset-password", token=user.token_generate(valid))
        self.notices.tell(db, user, "reset", client, url=url, until=self.clock() + valid)
        return "ok"

    def _recover_nobody(self, db: Session, client: Client) -> None:
        """Ask the database as much, and sign and encrypt as much, as for somebody who gets a link (ENUM-11)."""
        users: Any = self.entities.user
        db.execute(
            update(users)
            .where(users.reset_stamp < 0)
            .values(reset_stamp=0)
            .execution_options(synchronize_session=False)
        )
        issue(self.keys, RESET, {"user": "0" * 32}, self.settings.recovery.valid, self.clock, voided_by="nobody")
        self.send_nothing(db, "reset", client)

    def pending_reset(self, token: str) -> str | None:
        """Whose password *token* would change, to be shown before anybody does; consumes nothing (RESET-04)."""
        with self.database.read() as db:
            user = self._holder(db, token)
            return None if user is None else user.username

    def reset(self, token: str, email: str, password: str, client: Client) -> Done | Refused:
        """
        Choose another password by a mailed token, once.

        It logs nobody in and takes no second factor away (RESET-05). Logins with that account are not locked any more,
        whoever guessed at the old password (RATE-08); every use of the page counts, as a failure does. Everything by
        which somebody may still be in ends: sessions, what is pending, an address that was to take the place of the
        present one (LINK-21 to 23).

        Args:
            token: As mailed; it alone says whose password it is (RESET-06).
            email: As typed; has to be that user's name or address.
            password: The new one.
            client: From where.

        Returns:
            ``Done("password_reset")``; ``Refused`` with ``invalid_token``, ``wrong_address``, ``external_user``,
            ``password_login_off``, ``recovery_disabled`` or ``locked``.

        Raises:
            InsecurePasswordError: If the policy forbids it; the token stays good.
            InvalidPasswordError: If it can't be hashed; likewise.
        """
        event = self.event("password_reset", client, email)
        if not self.settings.recovery.enabled:
            return self.refused(Refused("recovery_disabled"), event)
        # Counted by token: by address, anybody could use up somebody else's tries.
        admitted = self.attempts.admit("recovery", f"reset {token_name(token)}", client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)
        with self.database.read() as db:
            user = self._holder(db, token)
        if user is None:
            return self.do(event, lambda _db: (Refused("invalid_token"), event), admitted)
        code = self._not_theirs(user, email)
        if code is not None:
            return self.do(event, lambda _db: (Refused(code), event), admitted)
        hashed = self.prepared(admitted, password, user.username, user.email, user.realname, user_id=key_of(user))

        def work(db: Session) -> tuple[Done | Refused, Event]:
            mine = self.locked(db, key_of(user))
            if mine is None or not mine.token_use(token):
                return Refused("invalid_token"), event
            self.passwords.put(db, mine, hashed, client)
            mine.revoke_access()
            forgiven = self.attempts.unlock(db, mine.username, kind="login")
            done = self.event("password_reset", client, user=mine)
            return Done("password_reset", user_info(mine)), told(done, Step("unlocked", str(forgiven)))

        return self.do(event, work, admitted, every_use_counts=True)

    def _not_theirs(self, user: User, email: str) -> str | None:
        """Why *user* gets no new password by this token; ``None`` if nothing is against it."""
        if not self.password_login(user.role):
            return "password_login_off"
        if is_external(user):
            return "external_user"
        return None if _is_named(user, email) else "wrong_address"

    def _holder(self, db: Session, token: str) -> User | None:
        """The active user whose good token it is."""
        found: list[User] = []

        def state(data: Mapping[str, Any]) -> str | None:
            user = db.get(self.entities.user, as_key(self.entities.user, user_id_in(data)))
            found.extend([] if user is None else [user])
            return None if user is None else user.get_token_salt()

        good = read(self.keys, RESET, token, self.clock, voided_by=state)
        return found[0] if good is not None and found and found[0].may_recover else None


def _is_named(user: User, typed: str) -> bool:
    try:
        key = canonical_username(typed)
    except ValueError:
        return False
    return key == user.username_key or (user.email is not None and key == as_address(user.email))
