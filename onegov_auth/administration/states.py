"""The states an account may be in, as conditions that lists filter by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from onegov_auth.attempts.rows import as_person
from onegov_auth.i18n import _
from onegov_auth.models import Columns, primary_key

if TYPE_CHECKING:
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
        settings: With the limit of failed logins.
        now: The time.
    """

    def __init__(self, entities: Entities, settings: Settings, now: datetime) -> None:
        self._entities = entities
        self._users: Any = entities.user
        self._limit = settings.attempts.login
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
        """Whose failures since the last success reached the limit a lockout ago at most; of records, not of Redis."""
        rows: Any = self._entities.attempt
        since = self._now - self._limit.lockout - self._limit.within
        later = Columns(rows, rows.__table__.alias())
        good = select(later.id).where(
            later.person == rows.person, later.attempt_type == "login", later.success.is_(True), later.id > rows.id
        )
        locked = (
            select(rows.person)
            .where(
                rows.attempt_type == "login",
                rows.datetime_utc > since,
                rows.person.is_not(None),
                rows.is_during_lockout.is_(False),
                or_(rows.success.is_(False), and_(rows.success.is_(None), rows.code.is_(None))),
                ~good.exists(),
            )
            .group_by(rows.person)
            .having(
                and_(func.count() >= self._limit.limit, func.max(rows.datetime_utc) > self._now - self._limit.lockout)
            )
        )
        return as_person(primary_key(self._users)).in_(locked)
