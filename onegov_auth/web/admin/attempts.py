"""``/auth/admin/attempts``: who tried to get in, and who may try again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from markupsafe import Markup
from sqlalchemy import ColumnElement, or_, select

from onegov_auth.attempts import KINDS, network
from onegov_auth.domain import hexadecimal
from onegov_auth.i18n import _
from onegov_auth.models import account_key, canonical_username, key_of
from onegov_auth.outcomes import Refused
from onegov_auth.web.admin.entity import READ, EntityView
from onegov_auth.web.admin.log_grid import ExactFilter, LogGrid
from onegov_auth.web.admin.users import REFUSALS
from onegov_auth.web.columns import Column, TimeColumn
from onegov_auth.web.filters import ChoiceFilter, Filter, TimeFilter
from onegov_auth.web.names import visible

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.grid import Grid
    from onegov_auth.web.permissions import PermissionClass

__all__ = ["Attempts"]

_KINDS: Mapping[str, str] = {
    "login": _("Login"),
    "factor": _("Second factor"),
    "recovery": _("New password"),
    "signup": _("Registration"),
    "token": _("API token"),
}
_OUTCOMES: Mapping[str, str] = {
    "good": _("succeeded"),
    "failed": _("failed"),
    "locked": _("refused in a lockout"),
    "open": _("open, or does not count"),
}


class _Kind(Column):
    def text(self, grid: Grid, row: Any) -> str:
        return grid.translate(_KINDS.get(row.attempt_type, row.attempt_type))


class _Outcome(Column):
    def text(self, grid: Grid, row: Any) -> str:
        words = grid.translate(_OUTCOMES[outcome(row)])
        return f"{words} ({row.code})" if row.code else words

    def cell(self, grid: Grid, row: Any) -> Markup:
        shown = visible(self.text(grid, row))
        good = outcome(row) == "good"
        return Markup('<span class="badge{}">{}</span>').format("" if good else " off", shown)


class _Name(ExactFilter):
    """With that name, or another name of the same person."""

    def condition(self, grid: Grid, values: Mapping[str, str]) -> ColumnElement[bool]:
        typed, users = self._typed(values), grid.crud.request.root_app.auth.entities.user
        mine: ColumnElement[bool] = grid.model.user_input == account_key(typed)
        try:
            user = grid.db.scalar(select(users).where(users.username == canonical_username(typed)))
        except ValueError:
            user = None
        return mine if user is None else or_(mine, grid.model.person == hexadecimal(key_of(user)))


class AttemptGrid(LogGrid):
    """The attempts, the newest first."""

    columns: ClassVar[Sequence[Column]] = (
        _Kind("attempt_type", _("What")),
        TimeColumn("datetime_utc", _("When")),
        Column("user_input", _("Name")),
        Column("source_ip", _("Address")),
        _Outcome("outcome", _("Result")),
    )
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter("attempt_type", _("What"), {kind: _KINDS.get(kind, kind) for kind in KINDS}),
        _Name("user_input", _("Name")),
        ExactFilter("source_ip", _("Address"), network),
        ChoiceFilter("outcome", _("Result"), _OUTCOMES, lambda grid, chosen: _of_outcome(grid, chosen)),  # noqa: PLW0108 - defined below
        TimeFilter("datetime_utc", _("When")),
    )


class Attempts(EntityView):
    """The page. Attempts are never changed; what they locked can be unlocked."""

    entity = "attempt"
    grid_cls = AttemptGrid
    object_name = _("Attempt")
    object_name_plural = _("Attempts")
    permissions: ClassVar[Mapping[str, PermissionClass]] = {"list": READ["list"]}
    refusals: ClassVar[Mapping[str, str]] = {
        **REFUSALS,
        "nothing_named": _("Please enter a name or an address."),
        "too_young": _("Please enter a number of days, one at least."),
    }
    list_template = "admin_attempts"

    def act_on_selected(self) -> Response:
        """Unlock, or delete what is old."""
        fields = self._posted()
        if fields.get("do") == "purge":
            days = fields.get("days", "").strip()
            # Nobody kept attempts for longer than five digits of days.
            known = days.isascii() and days.isdigit() and len(days) < 6
            done = self.core("purge_attempts", int(days) if known else 0)
            return self.answered(done, _("The attempts are deleted."))
        done = self.core("unlock_tries", name=fields.get("name", "").strip(), address=fields.get("address", "").strip())
        if isinstance(done, Refused):
            return self.refuse(self.words(done))
        words = self.request.translate.plural("{n} failure is forgiven.", "{n} failures are forgiven.", done)
        return self.done(words)


def outcome(row: Any) -> str:
    """How an attempt went: a key of the choices."""
    if row.is_during_lockout:
        return "locked"
    return "open" if row.success is None else "good" if row.success else "failed"


def _of_outcome(grid: Grid, chosen: str) -> ColumnElement[bool]:
    rows = grid.model
    if chosen == "locked":
        locked: ColumnElement[bool] = rows.is_during_lockout.is_(True)
        return locked
    success = {"good": True, "failed": False, "open": None}[chosen]
    found: ColumnElement[bool] = rows.is_during_lockout.is_(False) & rows.success.is_(success)
    return found
