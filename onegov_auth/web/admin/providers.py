"""``/auth/admin/providers``: the ways to log in, and whether they can be reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from onegov_auth.web.admin.frame import admin_page
from onegov_auth.web.links import page_url
from onegov_auth.web.names import provider_name
from onegov_auth.web.own_pages import reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.permissions import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["ProviderStates", "show"]


class ProviderStates:
    """``admin/providers``."""


@dataclass(frozen=True, slots=True)
class ProviderState:
    """
    A provider, for people.

    Attributes:
        name: Its configured name.
        title: As its button calls it.
        kind: What it is.
        failed: When it could not be reached the last time; None if it is up as far as this process knows.
        identities: How many accounts are linked to it.
        sessions: How many open sessions began there.
        synced: When its directory was synced the last time; None for never.
        sync_code: How that ended.
        configured: Whether it is still in the settings.
    """

    name: str
    title: str
    kind: str
    failed: datetime | None
    identities: int
    sessions: int
    synced: datetime | None
    sync_code: str | None
    configured: bool


@AuthPages.path(path="admin/providers", model=ProviderStates)
def _providers() -> ProviderStates:
    return ProviderStates()


@reading(ProviderStates, Secret)
def show(self: ProviderStates, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """All providers of the settings, and those that left accounts behind."""
    entities = request.root_app.auth.entities
    identities = _counted(request, entities.identity.source)
    sessions = _counted(request, entities.session.provider, *request.root_app.auth.sessions.still_open())
    names = [*request.root_app.auth.providers, *sorted(identities.keys() - request.root_app.auth.providers.keys())]
    return admin_page(
        request,
        "admin_providers",
        "admin/providers",
        states=[_state(request, name, identities, sessions) for name in names],
        events_url=page_url(request, "admin/events"),
    )


def _state(
    request: AuthRequest, name: str, identities: Mapping[str, int], sessions: Mapping[str, int]
) -> ProviderState:
    auth = request.root_app.auth
    provider = auth.providers.get(name)
    synced, code = _last_sync(request, name)
    return ProviderState(
        name=name,
        title=provider_name(auth.providers, name),
        kind="" if provider is None else provider.kind,
        failed=auth.health.last_failure(name),
        identities=identities.get(name, 0),
        sessions=sessions.get(name, 0),
        synced=synced,
        sync_code=code,
        configured=provider is not None,
    )


def _counted(request: AuthRequest, column: Any, *conditions: Any) -> dict[str, int]:
    rows = request.db.execute(select(column, func.count()).where(*conditions).group_by(column))
    return {name: count for name, count in rows if name is not None}


def _last_sync(request: AuthRequest, name: str) -> tuple[datetime | None, str | None]:
    """When, and how it ended. The event of the run is about no user."""
    events: Any = request.root_app.auth.entities.event
    runs = select(events.created, events.code).where(
        events.provider == name, events.type == "sync", events.user_id.is_(None)
    )
    found = request.db.execute(runs.order_by(events.id.desc()).limit(1)).first()
    return (None, None) if found is None else (found[0], found[1])
