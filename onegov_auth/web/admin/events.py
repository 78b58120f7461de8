"""``/auth/admin/events``: what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from markupsafe import Markup
from sqlalchemy import select
from webob.exc import HTTPMethodNotAllowed

from onegov_auth.events import Ending, ended, ending
from onegov_auth.i18n import _
from onegov_auth.mail import device
from onegov_auth.models import key_of
from onegov_auth.web.admin.entity import READ, EntityView
from onegov_auth.web.admin.log_grid import ExactFilter, LogGrid, PersonFilter
from onegov_auth.web.columns import Column, TimeColumn
from onegov_auth.web.csv_export import csv_file
from onegov_auth.web.fields import query_fields
from onegov_auth.web.filters import ChoiceFilter, Filter, TimeFilter
from onegov_auth.web.happenings import event_words, step_words, type_words
from onegov_auth.web.links import page_url
from onegov_auth.web.names import provider_name, visible

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.grid import Grid
    from onegov_auth.web.permissions import PermissionClass

__all__ = ["EventGrid", "Events"]

_RESULTS: Mapping[str, str] = {
    Ending.GOOD: _("succeeded"),
    Ending.REFUSED: _("refused"),
    Ending.OPEN: _("not finished"),
}


class _Type(Column):
    def cell(self, grid: Grid, row: Any) -> Markup:
        words = grid.translate(event_words(row.type, row.code))
        return Markup('<a href="{}">{}</a>').format(grid.crud.url(key_of(row)), words)


class _Result(Column):
    def cell(self, grid: Grid, row: Any) -> str | Markup:  # noqa: ARG002 - the signature of all columns
        code = visible(row.code or "")
        refused = ending(row.type, row.code) is Ending.REFUSED
        return Markup('<span class="badge off">{}</span>').format(code) if refused else code


class _Provider(Column):
    def cell(self, grid: Grid, row: Any) -> str | Markup:
        return provider_name(grid.crud.request.root_app.auth.providers, row.provider) if row.provider else ""


class _Steps(Column):
    def value(self, grid: Grid, row: Any) -> str:  # noqa: ARG002 - the signature of all columns
        return "; ".join(": ".join(part for part in step if part) for step in row.steps)


class EventGrid(LogGrid):
    """The events, the newest first."""

    columns: ClassVar[Sequence[Column]] = (
        _Type("type", _("What")),
        TimeColumn("created", _("When")),
        Column("username", _("Name")),
        _Result("code", _("Result")),
        _Provider("provider", _("Provider")),
        Column("address", _("Address")),
    )
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter("type", _("What"), lambda grid: _types(grid)),  # noqa: PLW0108 - defined below
        PersonFilter("username", _("Name")),
        ChoiceFilter("provider", _("Provider"), lambda grid: _providers(grid)),  # noqa: PLW0108 - as above
        ChoiceFilter("result", _("Result"), _RESULTS, lambda grid, chosen: ended(grid.model, Ending(chosen))),
        ExactFilter("code", _("Code")),
        ExactFilter("request_id", _("Number of the request")),
        TimeFilter("created", _("When")),
    )


class _Ending(Column):
    def value(self, grid: Grid, row: Any) -> str:
        return grid.translate(_RESULTS[ending(row.type, row.code)])


class EventFile(EventGrid):
    """The same as a file, with what would be too wide for a page."""

    columns: ClassVar[Sequence[Column]] = (
        *(column for column in EventGrid.columns if column.key != "code"),
        _Ending("result", _("Result")),
        Column("code", _("Code")),
        Column("factor", _("Second factor")),
        Column("request_id", _("Request")),
        Column("user_agent", _("Browser")),
        _Steps("steps", _("Steps")),
    )


class Events(EntityView):
    """The pages."""

    entity = "event"
    grid_cls = EventGrid
    object_name = _("Event")
    object_name_plural = _("Events")
    permissions: ClassVar[Mapping[str, PermissionClass]] = READ
    fresh = False

    def export(self) -> Response:
        """The list as a file, with all that is known."""
        return csv_file(EventFile(self, query_fields(self.request)), "events")

    def edit(self) -> Response:
        """One event, with everything that is known of it."""
        if self.request.method == "POST":
            raise HTTPMethodNotAllowed
        event, translate = self.init_object("edit"), self.request.translate
        how = ending(event.type, event.code)
        provider = provider_name(self.request.root_app.auth.providers, event.provider) if event.provider else None
        return self.render(
            "admin_event",
            crud=self,
            title=translate(event_words(event.type, event.code)),
            event=event,
            result=_RESULTS[how],
            good=how is Ending.GOOD,
            provider=provider,
            device=device(event.user_agent, translate) if event.user_agent else None,
            browser=_readable(event.user_agent or ""),
            person=None if event.user_id is None else page_url(self.request, f"admin/users/{event.user_id}"),
            steps=[step_words(translate, name, detail) for name, detail in event.steps],
        )


def _readable(user_agent: str) -> str:
    # As the log line has them, brackets are escapes.
    return user_agent.replace("\\x28", "(").replace("\\x29", ")")


def _types(grid: Grid) -> Mapping[str, str]:
    """Those that are there; their number does not grow with the table."""
    return {type_: type_words(type_) for type_ in _distinct(grid, grid.model.type)}


def _providers(grid: Grid) -> Mapping[str, str]:
    known = grid.crud.request.root_app.auth.providers
    return {name: provider_name(known, name) for name in _distinct(grid, grid.model.provider)}


def _distinct(grid: Grid, column: Any) -> list[str]:
    """
    The values of a column that has an index, in order.

    From one value to the next one: a plain DISTINCT reads the whole index.
    """
    first = select(column.label("value")).where(column.is_not(None)).order_by(column).limit(1).subquery()
    found = select(first.c.value).cte("found", recursive=True)
    following = select(column).where(column > found.c.value).order_by(column).limit(1).scalar_subquery()
    found = found.union_all(select(following).where(found.c.value.is_not(None)))
    return [value for value in grid.db.scalars(select(found.c.value)) if value is not None]
