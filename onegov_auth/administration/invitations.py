"""Links by which somebody chooses the own password; whoever administers sees none of it (RESET-11, ASVS 6.4.6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from onegov_auth.accounts.resolve import user_info
from onegov_auth.administration.acting import Administering
from onegov_auth.domain import hexadecimal
from onegov_auth.models import as_key, key_of, primary_key, user_id_in
from onegov_auth.notices import address_of
from onegov_auth.outcomes import Done, Refused
from onegov_auth.tokens import issue, read

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.domain import Client
    from onegov_auth.events import Event
    from onegov_auth.models import User

__all__ = ["Inviting"]

#: The purpose of the tokens.
PURPOSE = "choose-password"

#: How long an invitation is good: people are away for some days.
INVITED = timedelta(days=7)


class Inviting(Administering):
    """The part of :class:`onegov_auth.auth.Auth` for people who are led in by a mail."""

    def invitation_of(self, token: str) -> str | None:
        """Whose password *token* lets somebody choose, to be shown before; consumes nothing (RESET-04)."""
        with self.database.read() as db:
            user = self._invited(db, token)
            return None if user is None else user.username

    def choose_password(self, token: str, password: str, client: Client) -> Done | Refused:
        """
        Choose a password by the link of an invitation, once. It logs nobody in (RESET-05), and ends what was open.

        Args:
            token: As mailed.
            password: The new one.
            client: From where.

        Returns:
            ``Done("password_chosen")``; ``Refused`` with ``invalid_token`` or ``locked``.

        Raises:
            InsecurePasswordError: If the policy forbids it; the token stays good.
            InvalidPasswordError: If it can't be hashed; likewise.
        """
        event = self.event("password_chosen", client)
        # Counted by token: by name, anybody could use up somebody else's tries.
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        admitted = self.attempts.admit("recovery", f"choose {digest}", client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)
        with self.database.read() as db:
            user = self._invited(db, token)
        if user is None:
            return self.do(event, lambda _db: (Refused("invalid_token"), event), admitted)
        hashed = self.prepared(admitted, password, user.username, user.email, user.realname, user_id=key_of(user))

        def work(db: Session) -> tuple[Done | Refused, Event]:
            mine = self.locked(db, key_of(user))
            if mine is None or self._invited(db, token) is None or not self._use_up(db, mine):
                return Refused("invalid_token"), event
            self.passwords.put(db, mine, hashed, client)
            # Whoever has the link read the mail.
            mine.email_verified = mine.email is not None
            mine.revoke_access()
            return Done("password_chosen", user_info(mine)), self.event("password_chosen", client, user=mine)

        return self.do(event, work, admitted)

    def may_choose_password(self, user: User) -> bool:
        """Whether a link to choose a password would be of use to *user*: there is a way in by one, and an address."""
        return self.password_login(user.role) and user.is_active and address_of(user) is not None

    def send_invitation(self, db: Session, user: User, client: Client, *, invited: bool) -> None:
        """
        Mail a link to choose a password; older ones are void (RESET-02).

        Args:
            db: The unit of work.
            user: Whom; :meth:`may_choose_password` says whether it can be.
            client: From where.
            invited: Whether the person is new here; the link is good for longer then.
        """
        user.reset_stamp += 1
        db.flush()
        valid = INVITED if invited else self.settings.recovery.valid
        token = issue(
            self.keys, PURPOSE, {"user": hexadecimal(key_of(user))}, valid, self.clock, voided_by=user.get_token_salt()
        )
        url = self.notices.url("choose-password", token=token)
        self.notices.tell(db, user, "invitation", client, url=url, until=self.clock() + valid, invited=invited)

    def _invited(self, db: Session, token: str) -> User | None:
        found: list[User] = []

        def state(data: Mapping[str, Any]) -> str | None:
            user = db.get(self.entities.user, as_key(self.entities.user, user_id_in(data)))
            found.extend([] if user is None else [user])
            return None if user is None else user.get_token_salt()

        good = read(self.keys, PURPOSE, token, self.clock, voided_by=state)
        return found[0] if good is not None and found and found[0].is_active else None

    def _use_up(self, db: Session, user: User) -> bool:
        # One conditional statement: of any number of callers at once, one is told so (RESET-02, RACE-01).
        users: Any = self.entities.user
        used = db.execute(
            update(users)
            .where(primary_key(users) == key_of(user), users.reset_stamp == user.reset_stamp)
            .values(reset_stamp=users.reset_stamp + 1)
            .execution_options(synchronize_session=False)
        )
        db.expire(user, ["reset_stamp"])
        return getattr(used, "rowcount", 0) == 1
