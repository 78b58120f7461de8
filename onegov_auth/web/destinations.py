"""What an address leads to: the model, and the permission of its view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from morepath.publish import get_view_name, resolve_model
from webob.exc import HTTPException

if TYPE_CHECKING:
    from morepath.authentication import Identity, NoIdentity

    from onegov_auth.web.base import AuthBase
    from onegov_auth.web.request import AuthRequest

__all__ = ["Destination", "destination"]


class Destination(NamedTuple):
    """
    The page at an address.

    Attributes:
        app: The application of the tree that has it.
        model: What it shows.
        permission: That of its view; None for everybody.
    """

    app: AuthBase
    model: Any
    permission: type | None

    def permits(self, identity: Identity | NoIdentity, permission: type | None = None) -> bool:
        """Whether somebody may see it; *permission* is asked for instead of the view's."""
        asked = permission or self.permission
        return asked is None or bool(self.app._permits(identity, self.model, asked))  # noqa: SLF001 - Morepath's own check of a view


def destination(request: AuthRequest, url: str) -> Destination:
    """
    The page at *url*, whose scheme and host are ignored.

    Raises:
        KeyError: If there is no such page.
    """
    inner = _request_for(request, url)
    try:
        model = resolve_model(inner)
    except HTTPException as error:
        raise KeyError(f"there is no page at {url}") from error
    name = get_view_name(inner.unconsumed)
    if model is None or name is None:
        raise KeyError(f"there is no page at {url}")
    view = inner.app.get_view.by_predicates(model=model.__class__, name=name, request_method="GET").component
    if view is None or getattr(view, "internal", False):
        raise KeyError(f"there is no page at {url}")
    return Destination(inner.app, model, getattr(view, "permission", None))


def _request_for(request: AuthRequest, url: str) -> AuthRequest:
    """A request of our own class, for the same person: Morepath's ``resolve_path`` makes a plain one."""
    parts = urlsplit(url)
    environ = request.environ | {"REQUEST_METHOD": "GET", "QUERY_STRING": parts.query}
    path = unquote(parts.path.removeprefix(quote(request.script_name)))
    inner = type(request)(environ, request.root_app, path_info=path)
    inner.__dict__.update(identity=request.identity, db=request.db)
    return inner
