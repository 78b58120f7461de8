"""
How the pages of a :class:`onegov_auth.web.crud.CrudView` come to be: paths and views, registered with Morepath.

Morepath finds a view by the class of what a path leads to, so that each mounted view gets page classes of its own.
Their views are closures: a function shared by two mounts would answer for the one that was registered last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.base import AuthBase
    from onegov_auth.web.crud import CrudView
    from onegov_auth.web.request import AuthRequest

__all__ = ["CrudPage", "mount"]


@dataclass(frozen=True, slots=True)
class CrudPage:
    """
    One of the pages, as Morepath knows it.

    Attributes:
        id: Of what it is about, as the address has it; untrusted.
        do: What is to be done with it, likewise.
    """

    id: str = ""
    do: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of page: where it is, which permission opens it, which methods of the view answer."""

    name: str
    path: str
    action: str
    read: str | None
    write: str | None


_KINDS = (
    _Kind("List", "", "list", "list", "act_on_selected"),
    _Kind("Export", "/export", "list", "export", None),
    _Kind("Add", "/new", "add", "add", "add"),
    _Kind("Edit", "/{id}", "edit", "edit", "edit"),
    _Kind("Delete", "/{id}/delete", "delete", "delete", "delete"),
    _Kind("Do", "/{id}/do/{do}", "edit", None, "do"),
)


def mount(view: type[CrudView], app: type[AuthBase], path: str) -> Mapping[str, type[CrudPage]]:
    """
    Register the pages of *view* below *path*; what its ``permissions`` leave out is not there.

    Returns:
        The page classes by their names.
    """
    pages: dict[str, type[CrudPage]] = {}
    for kind in _KINDS:
        permission = view.permissions.get(kind.action)
        if permission is None:
            continue
        page = pages[kind.name] = type(f"{view.__name__}{kind.name}", (CrudPage,), {"__slots__": ()})
        app.path(path=f"{path}{kind.path}", model=page, variables=vars_of)(_factory(kind, page))
        for method, name in (("GET", kind.read), ("HEAD", kind.read), ("POST", kind.write)):
            if name is not None:
                answer = _answer(view, pages, name, writes=method == "POST")
                app.view(model=page, permission=permission, request_method=method)(answer)
    return pages


def vars_of(page: CrudPage) -> dict[str, str]:
    """What stands in the address of a page."""
    return {"id": page.id, "do": page.do}


def _factory(kind: _Kind, page: type[CrudPage]) -> Callable[..., CrudPage]:
    # Morepath reads the arguments' names: those that are no variable of the path would become URL parameters.
    def nothing() -> CrudPage:
        return page()

    def one(id: str) -> CrudPage:  # noqa: A002 - the variable's name
        return page(id)

    def deed(id: str, do: str) -> CrudPage:  # noqa: A002 - the variable's name
        return page(id, do)

    return deed if "{do}" in kind.path else one if "{id}" in kind.path else nothing


def _answer(
    view: type[CrudView], pages: Mapping[str, type[CrudPage]], name: str, *, writes: bool
) -> Callable[[Any, Any], Response]:
    def answer(self: CrudPage, request: AuthRequest) -> Response:
        if writes:
            request.assert_valid_csrf_token()
        shown = view(request, self, pages)
        return shown.answer(name)

    return answer
