"""``/auth/admin/permissions``: what may be allowed, who has it, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from webob.exc import HTTPMethodNotAllowed

from onegov_auth.i18n import _
from onegov_auth.models import key_name, key_of
from onegov_auth.models.effective import holders, is_holder
from onegov_auth.web.admin.entity import READ, EntityView
from onegov_auth.web.admin.reasons import reason
from onegov_auth.web.columns import Column, LinkColumn
from onegov_auth.web.fields import query_fields
from onegov_auth.web.filters import MAX_TEXT, Filter, TextFilter, contains
from onegov_auth.web.grid import Grid
from onegov_auth.web.links import page_url
from onegov_auth.web.names import visible

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.permissions import PermissionClass

__all__ = ["Permissions"]

#: How many users one page explains.
SHOWN = 25

#: How many users are counted: counting all of a hundred thousand takes longer than all else.
COUNTED = 1000

#: How many groups or bundles are named.
NAMED = 100


@dataclass(frozen=True, slots=True)
class Holder:
    """
    Somebody who has the permission.

    Attributes:
        name: The name.
        url: The page of the account.
        active: Whether the account is active.
        why: Every way by which it is had.
    """

    name: str
    url: str
    active: bool
    why: list[str]


class PermissionGrid(Grid):
    """The catalogue."""

    columns: ClassVar[Sequence[Column]] = (
        LinkColumn("token", _("Permission"), sort=True),
        Column("description", _("What it allows")),
    )
    filters: ClassVar[Sequence[Filter]] = (TextFilter("q", _("Search"), "token", "description"),)
    order = "token"


class Permissions(EntityView):
    """The pages; the catalogue itself is declared by the application."""

    entity = "permission"
    grid_cls = PermissionGrid
    object_name = _("Permission")
    object_name_plural = _("Permissions")
    permissions: ClassVar[Mapping[str, PermissionClass]] = READ
    fresh = False

    def name_of(self, obj: Any) -> str:
        """The token."""
        return visible(obj.token)

    def edit(self) -> Response:
        """Who has a permission, and why."""
        if self.request.method == "POST":
            raise HTTPMethodNotAllowed
        permission = self.init_object("edit")
        fields = query_fields(self.request)
        asked = fields.get("q", "").strip()[:MAX_TEXT].replace("\x00", "")
        total = self._total(permission)
        people, following = self._page(
            permission, asked, fields.get("after", "").replace("\x00", ""), many=total > COUNTED
        )
        return self.render(
            "admin_permission",
            crud=self,
            title=self.name_of(permission),
            permission=permission,
            groups=self._names(permission.groups),
            bundles=self._names(permission.bundles),
            holders=[self._holder(user, permission.token) for user in people],
            total=min(total, COUNTED),
            more=total > COUNTED,
            asked=asked,
            next_url=self._next_url(permission, asked, following),
            here=self.url(key_of(permission)),
        )

    def _total(self, permission: Any) -> int:
        """How many have it; no more are counted than one above :data:`COUNTED`."""
        auth = self.request.root_app.auth
        having = holders(auth.entities, key_of(permission), auth.clock()).subquery()
        some = select(having.c[0]).distinct().limit(COUNTED + 1).subquery()
        return int(self.request.db.scalar(select(func.count()).select_from(some)) or 0)

    def _page(self, permission: Any, asked: str, after: str, *, many: bool) -> tuple[Sequence[Any], str | None]:
        """
        Those after a name, in order of the names, and the last name if there are more.

        Of few, all keys are looked up; if there are many, the next ones are soon found by going through the users.
        """
        auth = self.request.root_app.auth
        users: Any = aliased(auth.entities.user)
        key, now = getattr(users, key_name(auth.entities.user)), auth.clock()
        has = (
            is_holder(auth.entities, users, key_of(permission), now)
            if many
            else key.in_(holders(auth.entities, key_of(permission), now))
        )
        found = select(users).where(has)
        if asked:
            found = found.where(contains(users.username, asked) | contains(users.realname, asked))
        if after:
            found = found.where(users.username_key > after)
        people = self.request.db.scalars(found.order_by(users.username_key).limit(SHOWN + 1)).all()
        return people[:SHOWN], people[SHOWN - 1].username_key if len(people) > SHOWN else None

    def _holder(self, user: Any, token: str) -> Holder:
        auth = self.request.root_app.auth
        why = [reason(self.request.translate, chain) for chain in auth.explain_permission(user, token)]
        return Holder(visible(user.title), page_url(self.request, f"admin/users/{key_of(user)}"), user.is_active, why)

    def _names(self, query: Any) -> list[str]:
        names = sorted(visible(one.name or "") for one in query.limit(NAMED + 1))
        return [*names[:NAMED], *["…"] * (len(names) > NAMED)]

    def _next_url(self, permission: Any, asked: str, following: str | None) -> str | None:
        if following is None:
            return None
        return page_url(self.request, f"admin/permissions/{key_of(permission)}", q=asked or None, after=following)
