"""The states an account may be in, as conditions that lists filter by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from onegov_auth.attempts.limits import UNSEEN, row_limits
from onegov_auth.attempts.rows import as_person
from onegov_auth.i18n import _
from onegov_auth.models import Columns, primary_key

if TYPE_CHECKING:
    from sqlalchemy import Select

    from onegov_auth.models import Entities
    from onegov_auth.settings import Settings

__all__ = ["STATES", "States"]

#: The states, and what they are called.
STATES: Mapping[str, str] = {
    "active": _("active"),
    "inactive": _("inactive"),
    "disabled": _("disabled by date"),
    "invited": _("invited, never logged in"),
    "unverified": _("e-mail address not verified"),
    "locked": _("locked after failed logins"),
    "no_factor": _("without second factor"),
    "superuser": _("superuser"),
}


class States:
    """
    Makes the conditions.

    Args:
        entities: The mapped classes.
        settings: With the limits of failed logins.
        now: The time.
    """

    def __init__(self, entities: Entities, settings: Settings, now: datetime) -> None:
        self._entities = entities
        self._users: Any = entities.user
        self._limit = settings.attempts.login
        self._in_a_row, _of_known = row_limits(settings.attempts)
        self._now = now

    def condition(self, state: str) -> ColumnElement[bool]:
        """Whether a user is in that state, one of :data:`STATES`."""
        users = self._users
        conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
            "active": lambda: users.active_at(self._now),
            "inactive": lambda: ~users.active_at(self._now),
            "disabled": lambda: and_(users.disabled_utc.is_not(None), users.disabled_utc <= self._now),
            "invited": lambda: and_(users.last_login.is_(None), users.password_hash == ""),
            "unverified": lambda: and_(users.email.is_not(None), users.email_verified.is_(False)),
            "locked": self._locked,
            "no_factor": lambda: ~users.has_factor(),
            "superuser": lambda: users.is_superuser.is_(True),
        }
        return conditions[state]()

    def _locked(self) -> ColumnElement[bool]:
        """
        Who may not log in, by any browser nobody knows: too many failures lately, or far too many in a row.

        The table has all attempts, also where Redis counts them. A lock of a network is no account's.
        """
        rows: Any = self._entities.attempt
        now, own, most = self._now, self._limit, self._in_a_row
        lately = rows.datetime_utc > now - own.lockout - own.within
        lasting = func.max(rows.datetime_utc) > now - own.lockout
        # Few failed so often at all, and of those alone it is asked how often since the last success.
        many = rows.person.in_(self._failing().having(func.count() >= most))
        return or_(
            self._person.in_(self._in_row(lately).having(and_(func.count() >= own.limit, lasting))),
            self._person.in_(self._in_row(many, *_seen(rows)).having(func.count() >= most)),
        )

    @property
    def _person(self) -> ColumnElement[str]:
        return as_person(primary_key(self._users))

    def _in_row(self, *conditions: ColumnElement[bool]) -> Select[tuple[str]]:
        """Who failed since the last success."""
        rows: Any = self._entities.attempt
        later = Columns(rows, rows.__table__.alias())
        good = select(later.id).where(
            later.person == rows.person, later.attempt_type == "login", later.success.is_(True), later.id > rows.id
        )
        return self._failing(*conditions, ~good.exists())

    def _failing(self, *conditions: ColumnElement[bool]) -> Select[tuple[str]]:
        """Who failed, a row per person."""
        rows: Any = self._entities.attempt
        failed = or_(rows.success.is_(False), and_(rows.success.is_(None), rows.code.is_(None)))
        mine = (rows.attempt_type == "login", rows.person.is_not(None), rows.is_during_lockout.is_(False))
        return select(rows.person).where(*mine, failed, *conditions).group_by(rows.person)


def _seen(rows: Any) -> tuple[ColumnElement[bool], ...]:
    """Of what was never looked at, nothing lasts; and browsers that are known count by themselves."""
    return rows.device.is_(None), or_(rows.code.is_(None), rows.code.not_in(UNSEEN))
