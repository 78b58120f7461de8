"""``/auth/admin/groups`` and ``/auth/admin/bundles``: what gives several permissions at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import exists, func, select, union_all
from sqlalchemy.orm import selectinload

from onegov_auth.forms import BundleForm, GroupForm
from onegov_auth.i18n import _
from onegov_auth.models import key_of
from onegov_auth.models.effective import counts
from onegov_auth.outcomes import Refused
from onegov_auth.web.admin.entity import EntityView
from onegov_auth.web.admin.users import REFUSALS
from onegov_auth.web.columns import ActionColumn, Column, LinkColumn, ListColumn
from onegov_auth.web.fields import FormFields
from onegov_auth.web.filters import Filter, TextFilter
from onegov_auth.web.grid import Grid
from onegov_auth.web.links import page_url

if TYPE_CHECKING:
    from sqlalchemy.sql.base import ExecutableOption
    from webob import Response

    from onegov_auth.forms import Form

__all__ = ["Bundles", "Groups"]

#: What a person reads besides what all of the administration may refuse.
_WORDS: Mapping[str, str] = {
    **REFUSALS,
    "own_rights": _("You would lose permissions of your own. Somebody else who runs the site can do it."),
    "bad_name": _("Please enter a name."),
    "name_taken": _("There is one of this name already."),
}


class _Tokens(ListColumn):
    def value(self, grid: Grid, row: Any) -> list[str]:  # noqa: ARG002 - the signature of all columns
        return sorted(one.token for one in row.permissions)


class _Names(ListColumn):
    def value(self, grid: Grid, row: Any) -> list[str]:  # noqa: ARG002 - as above
        return sorted(one.name for one in row.bundles)


class _Members(Column):
    def value(self, grid: Any, row: Any) -> int:
        return int(grid.members.get(key_of(row), 0))


class RightsGrid(Grid):
    """The groups or the bundles."""

    filters: ClassVar[Sequence[Filter]] = (TextFilter("name", _("Name")),)
    order = "name"

    def load(self) -> Sequence[ExecutableOption]:
        """With what they give."""
        names = [name for name in ("permissions", "bundles") if hasattr(self.model, name)]
        return [selectinload(getattr(self.model, name)) for name in names]

    @cached_property
    def members(self) -> Mapping[Any, int]:
        """How many users each was given to, by hand or until a moment or by a provider; of all, by one statement."""
        auth, kind = self.crud.request.root_app.auth, self.crud.entity  # type: ignore[attr-defined] # an EntityView
        table, grants = getattr(auth.entities, f"user_{kind}s").c, auth.entities.grant
        given, granted = table[f"{kind}_id"], getattr(grants, f"{kind}_id")
        by_hand = select(given.label("thing"), func.count().label("users")).group_by(given)
        # Whoever has it by hand as well is counted there; no list of all members has to be sorted for that.
        both = exists().where(table.user_id == grants.user_id, given == granted)
        more = select(granted, func.count(grants.user_id.distinct())).where(
            granted.is_not(None), counts(auth.entities, auth.clock()), ~both
        )
        found: Counter[Any] = Counter()
        for thing, users in self.db.execute(union_all(by_hand, more.group_by(granted))):
            found[thing] += users
        return found


class GroupGrid(RightsGrid):
    """The groups."""

    columns: ClassVar[Sequence[Column]] = (
        LinkColumn("name", _("Name"), sort=True),
        _Members("members", _("Members")),
        _Names("bundles", _("Bundles")),
        _Tokens("permissions", _("Permissions")),
        ActionColumn(),
    )


class BundleGrid(RightsGrid):
    """The bundles."""

    columns: ClassVar[Sequence[Column]] = (
        LinkColumn("name", _("Name"), sort=True),
        _Members("members", _("Users")),
        _Tokens("permissions", _("Permissions")),
        ActionColumn(),
    )


class _RightsView(EntityView):
    """What groups and bundles have in common: the core changes them, and refuses what nobody may do by accident."""

    refusals: ClassVar[Mapping[str, str]] = _WORDS
    form_template = "admin_rights"
    delete_template = "admin_rights_delete"
    lists: ClassVar[Sequence[str]]

    def create_form(self, obj: Any, fields: Mapping[str, str] | None = None) -> Form:
        """The form, with what there is to choose from."""
        entities, db = self.request.root_app.auth.entities, self.request.db
        ways = {"permissions": (entities.permission, "token"), "bundles": (entities.bundle, "name")}
        choices = {}
        for name in self.lists:
            model, label = ways[name]
            things = db.scalars(select(model).order_by(getattr(model, label)))
            choices[name] = {str(key_of(one)): _described(one, label) for one in things}
        posted = None if fields is None else FormFields(fields)
        filled = None if obj is None else self._filled(obj)
        form: Form = self.form_cls(posted, choices=choices, obj=filled, language=self.request.language)
        return form

    def _filled(self, obj: Any) -> SimpleNamespace:
        held = {name: [str(key_of(one)) for one in getattr(obj, name)] for name in self.lists}
        return SimpleNamespace(name=obj.name, **held)

    def members_of(self, obj: Any) -> int:
        """How many users it was given to."""
        grid: Any = self.grid_cls(self, {})
        return int(grid.members.get(key_of(obj), 0))

    def users_url(self, obj: Any) -> str | None:
        """Where the users are listed who have it; None where they can't be."""
        return page_url(self.request, "admin/users", **{self.entity: str(key_of(obj))})

    def add_orm_obj(self, form: Form) -> Any:
        """Add it."""
        return self.core(f"save_{self.entity}", self.wanted(form))

    def update_obj(self, obj: Any, form: Form) -> Any:
        """Change it."""
        return self.core(f"save_{self.entity}", self.wanted(form), key_of(obj))

    def delete_obj(self, obj: Any) -> Any:
        """Delete it."""
        return self.core(f"delete_{self.entity}", key_of(obj))

    def wanted(self, form: Any) -> Mapping[str, Any]:
        """What the form says."""
        wanted: Mapping[str, Any] = form.wanted
        return wanted

    def on_add_edit_failure(self, form: Form, obj: Any, refused: Refused | None = None) -> Response:
        """What is the matter with the name stands beside it."""
        if refused is not None and refused.code in {"bad_name", "name_taken"}:
            form["name"].errors = [self.request.translate(self.words(refused))]
            return self.show_form(form, obj)
        return super().on_add_edit_failure(form, obj, refused)


class Groups(_RightsView):
    """The pages of the groups."""

    entity = "group"
    form_cls = GroupForm
    grid_cls = GroupGrid
    object_name = _("Group")
    object_name_plural = _("Groups")
    lists = ("bundles", "permissions")


class Bundles(_RightsView):
    """The pages of the bundles."""

    entity = "bundle"
    form_cls = BundleForm
    grid_cls = BundleGrid
    object_name = _("Bundle")
    object_name_plural = _("Bundles")
    lists = ("permissions",)

    def users_url(self, obj: Any) -> str | None:
        """The list of the users has no filter for bundles; that of a permission says who has it."""
        del obj
        return None


def _described(one: Any, label: str) -> str:
    description = getattr(one, "description", None)
    return f"{getattr(one, label)} – {description}" if description else str(getattr(one, label))
