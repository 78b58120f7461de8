"""What the administration's pages of our own classes have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import event as sqlalchemy_event

from onegov_auth.domain import Step
from onegov_auth.events import Event
from onegov_auth.models import key_of
from onegov_auth.outcomes import Refused
from onegov_auth.web.account_page import person_of
from onegov_auth.web.crud import CrudView
from onegov_auth.web.permissions import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onegov_auth.models import User
    from onegov_auth.web.crud_mount import CrudPage
    from onegov_auth.web.permissions import PermissionClass
    from onegov_auth.web.request import AuthRequest

__all__ = ["READ", "EntityView", "tell"]

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

    def tell(self, type_: str, *steps: Step, user: User | None = None) -> None:
        """Write an event of what is changed here; see :func:`tell`."""
        tell(self.request, type_, steps, user)

    def keeping_own_rights(self, work: Callable[[], Any]) -> Any:
        """
        Do *work*, unless it takes a permission from the person who does it.

        Returns:
            What *work* returned, or ``Refused("own_rights")``: by accident, somebody could lock themselves out.
        """
        me = person_of(self.request)
        before = me.get_all_permission_tokens()
        done = work()
        if isinstance(done, Refused):
            return done
        self.request.db.flush()
        return Refused("own_rights") if before - me.get_all_permission_tokens() else done


def tell(request: AuthRequest, type_: str, steps: Sequence[Step] = (), user: User | None = None) -> None:
    """
    Write an event of what the person changes, in the transaction of the request.

    Args:
        request: The request.
        type_: What happens.
        steps: What became of it. Who did it is added.
        user: Whom it is about, by default the person.
    """
    me = person_of(request)
    about = me if user is None else user
    by = () if user is None else (Step("by", me.username),)
    happened = Event(
        type=type_, client=request.client, user_id=key_of(about), username=about.username, steps=[*by, *steps]
    )
    events = request.root_app.auth.events
    events.record(request.db, happened)
    sqlalchemy_event.listen(request.db, "after_commit", lambda _db: events.announce(happened), once=True)
