"""Looking after one's own account: name, password, sessions, ways in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from onegov_auth.accounts.local import SEEN, fingerprint
from onegov_auth.accounts.resolve import user_info
from onegov_auth.domain import Client, Identity, Password, hexadecimal
from onegov_auth.doors import Doors
from onegov_auth.i18n import languages
from onegov_auth.models import KEEP_SESSION, as_key, key_of
from onegov_auth.outcomes import Done, LoggedIn, Outcome, Refused
from onegov_auth.self_service.mailing import SelfService, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from onegov_auth.events import Event
    from onegov_auth.models import AuthEvent, User

__all__ = ["OwnAccount"]

#: Longer names are nobody's.
MAX_NAME = 200


class OwnAccount(Doors, SelfService):
    """The part of :class:`onegov_auth.auth.Auth` for people who are logged in; *session* says as whom."""

    def confirm_identity(self, session: Identity, password: str, client: Client, to: str = "/") -> Outcome:
        """
        Prove once more who one is, before something sensitive (ASVS 7.5.1).

        It is a login by the one road, which ends the session it comes from (SESS-01) and is asked for everything
        that a login is asked for. Whoever has no password here or in a directory logs in at the provider once more:
        ``start(provider, client, to, hints={"prompt": "login", "max_age": "0"})``. A browser that is trusted spares
        nobody the second factor here (MFA-12).
        """
        client = replace(client, trusted=None)
        with self.database.read() as db:
            info = self.sessions.info(db, session.session_id)
        outcome = self.login(session.userid, password, client, to=to, remember=info is not None and info.remember)
        if isinstance(outcome, LoggedIn) and hexadecimal(outcome.user.id) != session.uid:
            # A directory may know somebody else by this name: that is no confirmation.
            opened = outcome.session.id
            self.database.once(lambda db: self.sessions.end(db, opened))
            return Refused("other_person")
        return outcome

    def change_profile(self, session: Identity, client: Client, **changes: str | None) -> Done | Refused:
        """
        Change what is told about oneself.

        Args:
            session: Who.
            client: From where.
            changes: ``realname`` and ``language``, with a text or ``None`` for none; what is left out stays.

        Returns:
            ``Done("profile_changed")``; ``Refused`` with ``unknown_language`` or ``unknown_user``.

        Raises:
            TypeError: If something else is to be changed: nobody gives themselves a role (ASVS 15.3.3).
        """
        if unknown := changes.keys() - {"realname", "language"}:
            raise TypeError(f"not part of a profile: {', '.join(sorted(unknown))}")
        if changes.get("language") not in {None, "", *languages()}:
            return Refused("unknown_language")

        def work(db: Session, user: User) -> Done:
            for name, value in changes.items():
                # Names end up in mails: no line breaks, and nothing that can't be seen (HOST-06).
                clean = "".join(char for char in (value or "")[:MAX_NAME] if char.isprintable()).strip()
                setattr(user, name, clean or None)
            db.flush()
            return Done("profile_changed", user_info(user))

        return self._change("profile_changed", session, client, work)

    def change_password(self, session: Identity, old: str, new: str, client: Client) -> LoggedIn | Refused:
        """
        Choose another password. All other sessions end (ASVS 7.4.3), this one goes on with another token (SESS-01).

        Args:
            session: Who, and the session that goes on.
            old: The present password.
            new: The one to come.
            client: From where.

        Returns:
            The session with its new token; ``Refused`` with ``wrong_password``, ``no_password``, ``locked``,
            ``password_changed`` or ``unknown_session``.

        Raises:
            InsecurePasswordError: If the policy forbids it.
            InvalidPasswordError: If it can't be hashed.
        """
        event = self.event("password_changed", client, session.userid)
        admitted = self.attempts.admit("login", session.userid, client)
        if isinstance(admitted, Refused):
            return self.refused(admitted, event)
        verified = self.local.verify(session.userid, Password(old))
        if isinstance(verified, Refused):
            return self.do(event, lambda _db: (verified, event), admitted)
        with self.database.read() as db:
            known = db.get(self.entities.user, as_key(self.entities.user, session.uid))
        names = () if known is None else (known.email, known.realname)
        user_id = None if known is None else key_of(known)
        hashed = self.prepared(admitted, new, session.userid, *names, user_id=user_id)

        def work(db: Session) -> tuple[LoggedIn | Refused, Event]:
            user = self.locked(db, session.uid)
            if user is None or not user.is_active or fingerprint(user.password_hash) != verified.attributes[SEEN]:
                return Refused("password_changed"), event
            db.info[KEEP_SESSION] = session.session_id
            self.passwords.put(db, user, hashed, client)
            token = self.sessions.rotate(db, session.session_id)
            info = self.sessions.info(db, session.session_id)
            if token is None or info is None:
                return Refused("unknown_session"), event
            return LoggedIn(user_info(user), info, token), self.event("password_changed", client, user=user)

        return self.do(event, work, admitted)

    def unlink(self, session: Identity, identity_id: UUID | str, client: Client) -> Done | Refused:
        """
        Come by a provider no longer. The last way in stays (LINK-12).

        Returns:
            ``Done("identity_unlinked")``; ``Refused`` with ``not_fresh``, ``unknown_identity`` or ``last_way_in``.
        """
        if not self.is_fresh(session):
            return Refused("not_fresh")

        def work(db: Session, user: User) -> Done | Refused:
            # The user's row is locked: of two who take the last two ways at once, the second sees the first.
            rows: Any = self.entities.identity
            mine = db.scalars(select(rows).where(rows.user_id == key_of(user))).all()
            gone = next((row for row in mine if row.id == as_key(rows, identity_id)), None)
            if gone is None:
                return Refused("unknown_identity")
            others = [row for row in mine if row is not gone and not row.frozen and row.source in self.providers]
            # A password is no way in where nobody is asked for one.
            if not (user.password_hash and self.password_login(user.role)) and not others:
                return Refused("last_way_in")
            if (user.source, user.source_id) == (gone.source, gone.source_id):
                user.source, user.source_id = (others[0].source, others[0].source_id) if others else (None, None)
            self._end_those_of(db, user, gone.source, gone.source_id, keep=session.session_id)
            self.accounts.grants.take_away(db, gone.source, [key_of(user)])
            db.delete(gone)
            db.flush()
            return Done("identity_unlinked", user_info(user))

        return self._change("identity_unlinked", session, client, work)

    def _end_those_of(self, db: Session, user: User, source: str, source_id: str, keep: UUID) -> None:
        for open_ in self.sessions.list(db, key_of(user)):
            if (open_.provider, open_.source_id) == (source, source_id) and open_.id != keep:
                self.sessions.end(db, open_.id)

    def end_session(self, session: Identity, session_id: UUID | str, client: Client) -> bool:
        """End one of one's own sessions; says whether it was there."""

        def work(db: Session, user: User) -> Done | Refused:
            key = as_key(self.entities.session, session_id)
            row = None if key is None else self.sessions.info(db, key)
            if row is None or row.user_id != key_of(user):
                return Refused("unknown_session")
            self.sessions.end(db, row.id)
            return Done("session_ended")

        return isinstance(self._change("session_ended", session, client, work), Done)

    def end_sessions(self, session: Identity, client: Client, *, others: bool = True) -> int:
        """End all of one's other sessions, or with ``others=False`` all of them; returns how many were ended."""
        ended = [0]

        def work(db: Session, user: User) -> Done:
            ended[0] = self.sessions.end_all(db, key_of(user), keep=session.session_id if others else None)
            return Done("sessions_ended")

        self._change("sessions_ended", session, client, work)
        return ended[0]

    def activity(self, db: Session, user_id: Any, limit: int = 50) -> Sequence[AuthEvent]:
        """What happened around an account last, the newest first."""
        rows: Any = self.entities.event
        key = as_key(self.entities.user, user_id)
        newest = select(rows).where(rows.user_id == key).order_by(rows.created.desc(), rows.id.desc())
        return db.scalars(newest.limit(limit)).all()

    def _change(self, type_: str, session: Identity, client: Client, work: Any) -> Done | Refused:
        """Do *work* on the user of *session*, in a unit with an event."""
        event = self.event(type_, client, session.userid)

        def unit(db: Session) -> tuple[Done | Refused, Event]:
            user = self.locked(db, session.uid)
            if user is None or not user.is_active:
                return Refused("unknown_user"), event
            return work(db, user), told(self.event(type_, client, user=user))

        return self.do(event, unit)
