"""The list of the users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import selectinload

from onegov_auth.administration.states import STATES, States
from onegov_auth.collections.filters import tagged
from onegov_auth.i18n import _
from onegov_auth.models import as_key, primary_key
from onegov_auth.web.columns import Column, LinkColumn, ListColumn, TimeColumn
from onegov_auth.web.filters import ChoiceFilter, Filter, TextFilter
from onegov_auth.web.grid import Grid
from onegov_auth.web.names import provider_name

if TYPE_CHECKING:
    from sqlalchemy.sql.base import ExecutableOption

__all__ = ["UserGrid"]

_INACTIVE, _EXPIRED, _ACTIVE = _("inactive"), _("disabled by date"), _("active")


class _Email(Column):
    """The address, where it is another one than the name beside it."""

    def cell(self, grid: Grid, row: Any) -> str | Markup:
        return "" if row.email == row.username else super().cell(grid, row)


class _Groups(ListColumn):
    """The names of the groups."""

    def value(self, grid: Grid, row: Any) -> Any:  # noqa: ARG002 - the signature of all columns
        return sorted(group.name or "" for group in row.groups)


class _Source(Column):
    """The provider used last."""

    def cell(self, grid: Grid, row: Any) -> str | Markup:
        return provider_name(grid.crud.request.root_app.auth.providers, row.source) if row.source else "–"


class _State(Column):
    """Whether somebody may log in."""

    def text(self, grid: Grid, row: Any) -> str:
        if not row.active:
            return grid.translate(_INACTIVE)
        return grid.translate(_EXPIRED if row.is_disabled_by_date else _ACTIVE)

    def cell(self, grid: Grid, row: Any) -> str | Markup:
        off = "" if row.is_active else " off"
        return Markup('<span class="badge{}">{}</span>').format(off, self.text(grid, row))


class UserGrid(Grid):
    """Users: search, filter, sort, leaf through, and save as a file."""

    columns: ClassVar[Sequence[Column]] = (
        LinkColumn("username", _("Username"), sort=True),
        Column("realname", _("Name"), sort=True),
        _Email("email", _("E-mail address"), sort=True),
        Column("role", _("Role"), sort=True),
        _Groups("groups", _("Groups")),
        _Source("source", _("Source")),
        _State("state", _("State")),
        TimeColumn("last_login", _("Last login"), sort=True),
        TimeColumn("created", _("Made"), sort=True, shown=False),
    )
    filters: ClassVar[Sequence[Filter]] = (
        TextFilter("q", _("Username, name or e-mail address"), "username", "realname", "email"),
        ChoiceFilter("role", _("Role"), lambda grid: {role: role for role in _auth(grid).rules.roles}),
        ChoiceFilter("group", _("Group"), lambda grid: _groups(grid), lambda grid, key: _in_group(grid, key)),  # noqa: PLW0108 - defined below
        ChoiceFilter("source", _("Source"), lambda grid: _sources(grid), lambda grid, name: _of_source(grid, name)),  # noqa: PLW0108 - as above
        ChoiceFilter("state", _("State"), STATES, lambda grid, state: _in_state(grid, state)),  # noqa: PLW0108 - as above
        TextFilter("tag", _("Tag"), find=lambda grid, tag: tagged(grid.model, grid.db.get_bind().dialect.name, [tag])),
    )
    order = "username"

    def load(self) -> Sequence[ExecutableOption]:
        """With their groups."""
        return [selectinload(self.model.groups)]


def _auth(grid: Grid) -> Any:
    return grid.crud.request.root_app.auth


def _groups(grid: Grid) -> Mapping[str, str]:
    group: Any = _auth(grid).entities.group
    rows = grid.db.execute(select(primary_key(group), group.name).order_by(func.lower(group.name)))
    return {str(key): name or "" for key, name in rows}


def _in_group(grid: Grid, chosen: str) -> ColumnElement[bool]:
    entities = _auth(grid).entities
    members: Any = entities.user_groups.c
    mine = select(members.user_id).where(members.group_id == as_key(entities.group, chosen))
    return primary_key(grid.model).in_(mine)


def _sources(grid: Grid) -> Mapping[str, str]:
    providers = _auth(grid).providers
    found = {name: provider_name(providers, name) for name in providers if name != "local"}
    return {"local": _("local"), **found}


def _of_source(grid: Grid, chosen: str) -> ColumnElement[bool]:
    source = grid.model.source
    none: ColumnElement[bool] = source.is_(None)
    equal: ColumnElement[bool] = source == chosen
    return none if chosen == "local" else equal


def _in_state(grid: Grid, state: str) -> ColumnElement[bool]:
    auth = _auth(grid)
    return States(auth.entities, auth.settings, auth.clock()).condition(state)
