"""What the administration's pages of our own classes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from onegov_auth.outcomes import Refused
from onegov_auth.web.account_page import identity_of
from onegov_auth.web.crud import CrudView
from onegov_auth.web.permissions import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from webob import Response

    from onegov_auth.web.crud_mount import CrudPage
    from onegov_auth.web.permissions import PermissionClass
    from onegov_auth.web.request import AuthRequest

__all__ = ["READ", "EntityView"]

#: Who may look, where nothing is added and nothing deleted; ``edit`` is the page of one of them.
READ: Mapping[str, PermissionClass] = {"list": Secret, "edit": Secret}


class EntityView(CrudView):
    """
    Pages of a class of ours, or of the class that the application has in its place.

    Attributes:
        entity: Its name in :class:`onegov_auth.models.Entities`.
    """

    entity: ClassVar[str]
    fresh = True

    def __init__(self, request: AuthRequest, page: CrudPage, pages: Mapping[str, type[CrudPage]]) -> None:
        super().__init__(request, page, pages)
        self.orm_cls = getattr(request.root_app.auth.entities, self.entity)  # type: ignore[misc] # known by now only

    def core(self, name: str, /, *arguments: Any, **keywords: Any) -> Any:
        """Have a method of the administration do something in the name of the person, from this client."""
        method: Callable[..., Any] = getattr(self.request.root_app.auth, name)
        return method(identity_of(self.request), self.request.client, *arguments, **keywords)

    def answered(self, done: Any, text: str) -> Response:
        """The list, with *text*, or with what was refused."""
        return self.refuse(self.words(done)) if isinstance(done, Refused) else self.done(text)
