"""What those who run the site do with the accounts of others; each of it is one unit of work with its events."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from onegov_auth.accounts.resolve import user_info
from onegov_auth.administration.changes import Changes
from onegov_auth.administration.invitations import Inviting
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Step
from onegov_auth.models import KEEP_SESSION, as_key, canonical_username, key_of
from onegov_auth.models.second_factor import SPARE_TYPES
from onegov_auth.notices import address_of
from onegov_auth.outcomes import Done, Refused
from onegov_auth.self_service.recovering import is_external

if TYPE_CHECKING:
    from collections.abc import Callable

    from onegov_auth.administration.acting import Deed
    from onegov_auth.domain import Client, Identity
    from onegov_auth.models import User

__all__ = ["ManagingPeople"]

T = TypeVar("T")


class ManagingPeople(Inviting):
    """
    The part of :class:`onegov_auth.auth.Auth` for the pages of the users.

    All methods take who does it (*by*) and from where (*client*). They return ``Refused`` with ``not_allowed``,
    ``unknown_user``, ``above_you`` (the user has more power than who acts), ``own_role``, ``own_rights`` and
    ``own_account`` (nobody takes away their own by accident), ``role_above_you``, ``not_superuser`` or
    ``last_administrator``.
    """

    def add_user(
        self, by: Identity, client: Client, username: str, role: str, *, invite: bool = True, **values: Any
    ) -> Done | Refused:
        """
        Make an account without a password, and invite its owner to choose one.

        Args:
            by: Who does it.
            client: From where.
            username: The name; has to be new.
            role: The role; none above that of who does it.
            invite: Whether to send the mail now.
            values: As for :meth:`change_user`.

        Returns:
            ``Done("invited")`` if the mail goes out, ``Done("user_added")`` if it doesn't; ``Refused`` as described
            above, and with what :meth:`change_user` may say.
        """

        def work(deed: Deed) -> Done | Refused:
            try:
                canonical_username(username)
            except ValueError:
                return Refused("bad_username")
            if UserCollection(deed.db).exists(username):
                return Refused("username_taken")
            if role not in self.rules.roles_of(deed.actor):
                return Refused("role_above_you")
            user: User = self.entities.user(username=username, role=role, password_hash="", active=True)
            # Whoever invites somebody at an address vouches for it.
            given = {"email": username.strip().lower() if "@" in username else None, **values}
            deed.db.add(user)
            deed.db.flush()
            changes = Changes(self.rules, self.entities, deed, user)
            refused = changes.make(given)
            if refused is not None:
                return refused
            user.email_verified = user.email is not None and values.get("email_verified") is not False
            deed.db.flush()
            deed.tell("user_added", user, Step("role", role), *changes.steps)
            if invite and self.may_choose_password(user):
                self.send_invitation(deed.db, user, client, invited=True)
                deed.tell("invited", user)
                return Done("invited", user_info(user))
            return Done("user_added", user_info(user))

        return self.administer("user_added", by, client, work)

    def change_user(self, by: Identity, client: Client, user_id: Any, changes: Mapping[str, Any]) -> Done | Refused:
        """
        Change an account; a new name, role or activity ends the sessions.

        Args:
            by: Who does it.
            client: From where.
            user_id: Whose.
            changes: ``username``, ``realname``, ``email``, ``email_verified``, ``role``, ``active``, ``disabled_utc``,
                ``is_superuser``, ``language``, ``phone_number``, ``tags``; ``groups``, ``bundles`` and ``permissions``
                by their keys; columns of an application's own class.

        Returns:
            ``Done("user_changed")``; ``Refused`` as described above, and with ``bad_username``, ``username_taken``,
            ``bad_address``, ``unknown_language``, ``unknown_group`` and the like, ``too_many_tags``.

        Raises:
            TypeError: If something else is to be changed.
        """

        def work(deed: Deed, user: User) -> Done | Refused:
            was = (user.is_active, user.username, user.email, address_of(user))
            if deed.is_about_actor(user):
                # Another name of one's own ends all sessions but the one in which it was given.
                deed.db.info[KEEP_SESSION] = by.session_id
            made = Changes(self.rules, self.entities, deed, user)
            refused = made.make(changes)
            if refused is not None:
                return refused
            deed.db.flush()
            if deed.is_about_actor(user) and not user.is_active:
                # Where the address is the login name, one that nobody verified lets nobody in.
                return Refused("own_account")
            self._after_change(deed, user, *was)
            if made.steps:
                deed.tell("user_changed", user, *made.steps)
            return Done("user_changed", user_info(user))

        return self._manage("user_changed", by, client, user_id, work)

    def _after_change(self, deed: Deed, user: User, active: bool, name: str, email: str | None, to: str | None) -> None:
        if active and not user.is_active:
            self._deactivated(deed, user)
        if name != user.username and self.hooks.change_username_callback is not None:
            self.hooks.change_username_callback(deed.db, user, name)
        if to is not None and (name, email) != (user.username, user.email):
            # To where it was sent until now: it is the owner of that address who has to know (ASVS 6.3.7).
            about = self.notices.about(user, deed.client, what="name", url=self.notices.url("login"))
            self.notices.mail(deed.db, "account_changed", to, about, user.language)

    def set_active(self, by: Identity, client: Client, user_id: Any, *, active: bool) -> Done | Refused:
        """Let somebody in again, or no more: then all sessions end, and ``on_deactivate`` is called."""
        work = partial(self._set_active, active=active)
        return self._manage("activated" if active else "deactivated", by, client, user_id, work)

    def _set_active(self, deed: Deed, user: User, *, active: bool) -> Done | Refused:
        if not active and deed.is_about_actor(user):
            return Refused("own_account")
        was, user.active = user.is_active, active
        if active and user.is_disabled_by_date:
            user.disabled_utc = None
        deed.db.flush()
        ended = 0
        if not active:
            ended = user.revoke_access()
            if was:
                self._deactivated(deed, user)
        code = "activated" if active else "deactivated"
        deed.tell(code, user, Step("active", f"{was} → {user.is_active}"), Step("sessions", str(ended)))
        return Done(code, user_info(user))

    def _deactivated(self, deed: Deed, user: User) -> None:
        if self.hooks.on_deactivate is not None:
            self.hooks.on_deactivate(deed.db, user, deed.client)

    def end_sessions_of(self, by: Identity, client: Client, user_id: Any) -> int | Refused:
        """End all sessions of somebody (ASVS 7.4.5), but the one of who does it; returns how many."""
        return self._manage("sessions_ended", by, client, user_id, self._end_sessions)

    def _end_sessions(self, deed: Deed, user: User) -> int | Refused:
        keep = deed.by.session_id if deed.is_about_actor(user) else None
        ended = self.sessions.end_all(deed.db, key_of(user), keep=keep)
        deed.tell("sessions_ended", user, Step("sessions", str(ended)))
        return ended

    def reset_factors(self, by: Identity, client: Client, user_id: Any, factor_id: Any = None) -> Done | Refused:
        """
        Take a second factor away from who lost it, or all of them; sessions end, and the owner is told.

        One's own are looked after on one's own pages, which ask for a factor (MFA-12): ``own_account``.
        """

        def work(deed: Deed, user: User) -> Done | Refused:
            if deed.is_about_actor(user):
                return Refused("own_account")
            rows = self.factor_store.rows(deed.db, key_of(user))
            key = None if factor_id is None else as_key(self.entities.factor, factor_id)
            gone = [row for row in rows if factor_id is None or row.id == key]
            if not gone:
                return Refused("unknown_factor")
            left = [row for row in rows if row not in gone]
            if not {row.type for row in left} - SPARE_TYPES:
                # A spare without what it stands in for is none.
                gone = rows
            types = sorted(row.type for row in gone)
            for row in gone:
                deed.db.delete(row)
            deed.db.flush()
            self.sessions.end_all(deed.db, key_of(user))
            url = self.notices.url("account/factors")
            self.notices.tell(deed.db, user, "account_changed", client, what="factors", url=url)
            deed.tell("factor_removed", user, Step("factors", ", ".join(types)))
            return Done("factor_removed", user_info(user))

        return self._manage("factor_removed", by, client, user_id, work)

    def invite_again(self, by: Identity, client: Client, user_id: Any) -> Done | Refused:
        """
        Send somebody a link to choose a password: the invitation once more, or to who forgot the password.

        Returns:
            ``Done("invited")``; ``Refused`` with ``external_user`` (who has no password here) or ``no_address``.
        """

        def work(deed: Deed, user: User) -> Done | Refused:
            if is_external(user):
                return Refused("external_user")
            if not self.may_choose_password(user):
                return Refused("no_address")
            self.send_invitation(deed.db, user, client, invited=not user.password_hash)
            deed.tell("invited", user)
            return Done("invited", user_info(user))

        return self._manage("invited", by, client, user_id, work)

    def unlock_user(self, by: Identity, client: Client, user_id: Any) -> Done | Refused:
        """Let somebody try again who failed too often."""

        def work(deed: Deed, user: User) -> Done | Refused:
            count = self.attempts.unlock(deed.db, name=user.username)
            deed.tell("unlocked", user, Step("attempts", str(count)))
            return Done("unlocked", user_info(user))

        return self._manage("unlocked", by, client, user_id, work)

    def delete_user(self, by: Identity, client: Client, user_id: Any) -> Done | Refused:
        """Delete an account with all that belongs to it; the events about it stay."""
        return self._manage("deleted", by, client, user_id, self._delete)

    def _delete(self, deed: Deed, user: User) -> Done | Refused:
        if deed.is_about_actor(user):
            return Refused("own_account")
        deed.tell("deleted", user, Step("role", user.role))
        deed.db.delete(user)
        deed.db.flush()
        return Done("deleted")

    def _manage(
        self, type_: str, by: Identity, client: Client, user_id: Any, work: Callable[[Deed, User], T | Refused]
    ) -> T | Refused:
        """Do *work* with somebody whom the actor may change."""

        def unit(deed: Deed) -> T | Refused:
            user = self.managed(deed, user_id)
            return user if isinstance(user, Refused) else work(deed, user)

        return self.administer(type_, by, client, unit)
