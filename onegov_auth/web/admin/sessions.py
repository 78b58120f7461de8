"""``/auth/admin/sessions``: who is logged in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import joinedload

from onegov_auth.i18n import _
from onegov_auth.mail import device
from onegov_auth.models import primary_key
from onegov_auth.outcomes import Refused
from onegov_auth.web.account_page import identity_of
from onegov_auth.web.admin.entity import EntityView
from onegov_auth.web.admin.users import REFUSALS
from onegov_auth.web.columns import Column, TimeColumn
from onegov_auth.web.filters import ChoiceFilter, Filter, TextFilter, contains
from onegov_auth.web.grid import Grid
from onegov_auth.web.links import page_url
from onegov_auth.web.names import provider_name, visible
from onegov_auth.web.permissions import Secret

if TYPE_CHECKING:
    from sqlalchemy.sql.base import ExecutableOption
    from webob import Response

    from onegov_auth.web.permissions import PermissionClass

__all__ = ["OpenSessions"]

_HERE = _("this session")


class _User(Column):
    def value(self, grid: Grid, row: Any) -> str:  # noqa: ARG002 - the signature of all columns
        return str(row.user.username)

    def cell(self, grid: Any, row: Any) -> Markup:
        link = Markup('<a href="{}"><bdi>{}</bdi></a>').format(grid.crud.user_url(row), visible(row.user.title))
        here = grid.translate(_HERE)
        return link + Markup(' <span class="badge">{}</span>').format(here) if grid.crud.is_own(row) else link


class _Device(Column):
    def text(self, grid: Grid, row: Any) -> str:
        return device(row.user_agent, grid.translate)


class _Provider(Column):
    def text(self, grid: Grid, row: Any) -> str:
        return provider_name(grid.crud.request.root_app.auth.providers, row.provider or "")


class SessionGrid(Grid):
    """The sessions that are open at this moment."""

    columns: ClassVar[Sequence[Column]] = (
        _User("user", _("User")),
        _Device("device", _("Device")),
        Column("address", _("Address")),
        _Provider("provider", _("Provider")),
        TimeColumn("created", _("Since"), sort=True),
        TimeColumn("last_seen", _("Last seen"), sort=True),
    )
    filters: ClassVar[Sequence[Filter]] = (
        TextFilter("user", _("User"), find=lambda grid, typed: _of_user(grid, typed)),  # noqa: PLW0108 - defined below
        ChoiceFilter("provider", _("Provider"), lambda grid: _providers(grid)),  # noqa: PLW0108 - as above
    )
    order = "-last_seen"

    def query(self) -> Select[Any]:
        """Those that still work."""
        return select(self.model).where(*self.crud.request.root_app.auth.sessions.still_open())

    def load(self) -> Sequence[ExecutableOption]:
        """With whose they are."""
        return [joinedload(self.model.user)]


class OpenSessions(EntityView):
    """The page; sessions are opened by logging in, and by nothing else."""

    entity = "session"
    grid_cls = SessionGrid
    object_name = _("Session")
    object_name_plural = _("Open sessions")
    permissions: ClassVar[Mapping[str, PermissionClass]] = {"list": Secret}
    refusals = REFUSALS
    selected_actions: ClassVar[Mapping[str, str]] = {"end": _("End")}

    def name_of(self, obj: Any) -> str:
        """Whose it is, and where."""
        return f"{visible(obj.user.title)}, {device(obj.user_agent, self.request.translate)}"

    def is_own(self, session: Any) -> bool:
        """Whether this page is shown in that session."""
        return bool(session.id == identity_of(self.request).session_id)

    def user_url(self, session: Any) -> str:
        """The page of the account."""
        return page_url(self.request, f"admin/users/{session.user_id}")

    def do_selected(self, action: str, keys: Sequence[Any], fields: Mapping[str, str]) -> Response:
        """End them."""
        del action, fields
        done = self.core("end_open_sessions", keys)
        if isinstance(done, Refused):
            return self.refuse(self.words(done))
        return self.done(self.request.translate.plural("{n} session is ended.", "{n} sessions are ended.", done))


def _of_user(grid: Grid, typed: str) -> ColumnElement[bool]:
    users: Any = grid.crud.request.root_app.auth.entities.user
    found = select(primary_key(users)).where(contains(users.username, typed) | contains(users.realname, typed))
    condition: ColumnElement[bool] = grid.model.user_id.in_(found)
    return condition


def _providers(grid: Grid) -> Mapping[str, str]:
    providers = grid.crud.request.root_app.auth.providers
    return {name: provider_name(providers, name) for name in providers}
