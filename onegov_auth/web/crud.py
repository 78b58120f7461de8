"""
Pages to list, add, change and delete the objects of a class: a subclass says which, and mounts them.

::

    class Invoices(CrudView):
        orm_cls = Invoice
        form_cls = InvoiceForm
        grid_cls = InvoiceGrid
        object_name = "Invoice"
        permissions = {"list": ReadInvoices, "add": EditInvoices, "edit": EditInvoices, "delete": Secret}


    Invoices.mount(App, "invoices")

What is changed is committed with the answer. Nothing is changed by a GET, and every form has its token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy.exc import IntegrityError
from webob.exc import HTTPBadRequest, HTTPNotFound

from onegov_auth.i18n import _
from onegov_auth.models import as_key, key_of
from onegov_auth.outcomes import Refused
from onegov_auth.web.admin.frame import admin_page
from onegov_auth.web.crud_mount import CrudPage, mount
from onegov_auth.web.csv_export import csv_file
from onegov_auth.web.fields import FormFields, posted_fields, query_fields
from onegov_auth.web.fresh import prove_again
from onegov_auth.web.names import visible
from onegov_auth.web.permissions import Secret
from onegov_auth.web.redirects import redirect_to, safe_path

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.forms import Form
    from onegov_auth.web.base import AuthBase
    from onegov_auth.web.grid import Grid
    from onegov_auth.web.permissions import PermissionClass
    from onegov_auth.web.request import AuthRequest

__all__ = ["CrudView"]

#: The most that one form may select: nobody looks through more before saying yes.
MOST_SELECTED = 1000

#: The code of what the database does not allow: a name that is taken, something that is referred to.
_CONFLICT = "conflict"

_SAVED, _ADDED, _DELETED = _("Saved."), _("Added."), _("Deleted.")
_TAKEN = _("This is taken by another one, or something that it refers to is gone.")
_IN_USE = _("It can't be deleted: something else refers to it.")
_NOTHING = _("Please select something first.")
_TITLES = {"list": "{many}", "add": _("Add: {one}"), "edit": "{name}", "delete": _("Delete: {name}")}


class CrudView:
    """
    The pages of one class, for one request.

    A subclass sets the attributes and overrides what has to be different; see ``docs/how-to/crud-views.md``.

    Args:
        request: The request.
        page: Which page, with what stands in its address.
        pages: All page classes of this view, by name.

    Attributes:
        orm_cls: The mapped class.
        form_cls: The form to add and change with; a :class:`wtforms.Form` that takes ``language``. Only what it has
            fields for can be changed (ASVS 15.3.3).
        grid_cls: The list.
        object_name: What one of them is called, marked for translation.
        object_name_plural: What they are called together.
        permissions: Who may ``list``, ``add``, ``edit`` and ``delete``; a page left out is not there.
        fresh: Whether changes ask for a login of just now.
        refusals: What a person reads of a :class:`onegov_auth.outcomes.Refused`, by its code.
        selected_actions: What can be done with several at once: the code, and what the button says.
        list_template, form_template, delete_template, selected_template: The templates.
    """

    orm_cls: ClassVar[Any]
    form_cls: ClassVar[type[Form]]
    grid_cls: ClassVar[type[Grid]]
    object_name: ClassVar[str] = ""
    object_name_plural: ClassVar[str] = ""
    permissions: ClassVar[Mapping[str, PermissionClass]] = dict.fromkeys(("list", "add", "edit", "delete"), Secret)
    fresh: ClassVar[bool] = False
    refusals: ClassVar[Mapping[str, str]] = {}
    selected_actions: ClassVar[Mapping[str, str]] = {}
    list_template: ClassVar[str] = "crud_list"
    form_template: ClassVar[str] = "crud_form"
    delete_template: ClassVar[str] = "crud_delete"
    selected_template: ClassVar[str] = "crud_selected"

    def __init__(self, request: AuthRequest, page: CrudPage, pages: Mapping[str, type[CrudPage]]) -> None:
        self.request = request
        self.page = page
        self._pages = pages

    @classmethod
    def mount(cls, app: type[AuthBase], path: str) -> None:
        """
        Put the pages into an application; a subclass of it may put others in their place.

        Args:
            app: The application class, not committed yet.
            path: Where, without a slash in front.
        """
        mount(cls, app, path)

    # -- where things are ----------------------------------------------------------------------

    @cached_property
    def base(self) -> str:
        """The path of the list."""
        return safe_path(self.request.link(self._pages["List"]()))

    def url(self, *parts: object) -> str:
        """The path of one of the pages, such as ``url(id, "delete")``."""
        return "/".join([self.base, *(str(part) for part in parts)])

    def list_url(self) -> str:
        """Where somebody goes when it is done."""
        return self.base

    def cancel_url(self) -> str:
        """Where somebody goes who changes nothing after all."""
        return self.list_url()

    # -- who may -------------------------------------------------------------------------------

    def may(self, action: str, obj: Any = None) -> bool:
        """
        Whether the person may do that.

        Args:
            action: ``list``, ``add``, ``edit`` or ``delete``.
            obj: With this one; by default with any.
        """
        permission = self.permissions.get(action)
        about = self.page if obj is None else obj
        return permission is not None and self.request.has_permission(about, permission)

    def answer(self, name: str) -> Response:
        """The answer of one of the methods below, after a fresh login where that is asked for."""
        changes = self.request.method == "POST" or name in {"add", "edit", "delete"}
        if self.fresh and changes and (again := prove_again(self.request, self.back_url())) is not None:
            return again
        answer: Response = getattr(self, name)()
        return answer

    def back_url(self) -> str:
        """Where somebody comes back to who had to prove again who they are: what was posted is not kept."""
        if self.request.method != "POST":
            return self.request.here
        return self.url(self.page.id) if self.page.id else self.list_url()

    # -- the pages -----------------------------------------------------------------------------

    def list(self) -> Response:
        """The list."""
        return self._show_list()

    def export(self) -> Response:
        """The list as a file."""
        return csv_file(self.make_grid(), self.base.rpartition("/")[2])

    def add(self) -> Response:
        """The form for a new one; posting it adds."""
        if self.request.method != "POST":
            return self.show_form(self.create_form(None), None)
        form = self.create_form(None, self._posted())
        if not form.validate():
            return self.on_add_edit_failure(form, None)
        done = self._attempt(lambda: self.add_orm_obj(form))
        if isinstance(done, Refused):
            return self.on_add_edit_failure(form, None, done)
        return self.on_add_edit_success(done, added=True)

    def edit(self) -> Response:
        """The form for one of them; posting it changes."""
        obj = self.init_object("edit")
        if self.request.method != "POST":
            return self.show_form(self.create_form(obj), obj)
        form = self.create_form(obj, self._posted())
        if not form.validate():
            return self.on_add_edit_failure(form, obj)
        done = self._attempt(lambda: self.update_obj(obj, form))
        if isinstance(done, Refused):
            return self.on_add_edit_failure(form, obj, done)
        return self.on_add_edit_success(obj, added=False)

    def delete(self) -> Response:
        """The question whether to delete one; posting it deletes."""
        obj = self.init_object("delete")
        if self.request.method != "POST":
            return self._render(self.delete_template, "delete", obj)
        name = self.name_of(obj)
        done = self._attempt(lambda: self.delete_obj(obj))
        return self.on_delete_failure(obj, done) if isinstance(done, Refused) else self.on_delete_success(name)

    def do(self) -> Response:
        """
        Something else that is done with one: ``do_<name>`` of the address, which takes the object.

        Raises:
            HTTPNotFound: If there is no such thing to do.
        """
        name = f"do_{self.page.do.replace('-', '_')}"
        method = getattr(self, name, None)
        if method is None or hasattr(CrudView, name):
            # What we call so ourselves, such as what is done with several, is for no address.
            raise HTTPNotFound
        answer: Response = method(self.init_object("edit"))
        return answer

    def act_on_selected(self) -> Response:
        """What is done with several: first a question, then what :meth:`do_selected` does."""
        fields = self._posted()
        ids = [name.removeprefix("select.") for name, value in fields.items() if name.startswith("select.") and value]
        action = fields.get("do", "")
        if action not in self.selected_actions or len(ids) > MOST_SELECTED:
            raise HTTPBadRequest("That can't be done with what is selected.")
        keys = [key for key in (as_key(self.orm_cls, one) for one in ids) if key is not None]
        if not keys:
            return self.refuse(_NOTHING)
        if "confirmed" not in fields:
            return self.confirm_selected(action, keys, fields)
        return self.do_selected(action, keys, fields)

    # -- hooks: what a subclass overrides ------------------------------------------------------

    def name_of(self, obj: Any) -> str:
        """What one of them is called."""
        return visible(str(getattr(obj, "title", None) or getattr(obj, "name", None) or key_of(obj)))

    def page_title(self, action: str, obj: Any = None) -> str:
        """The title of a page, which is its heading as well."""
        name = "" if obj is None else self.name_of(obj)
        translate = self.request.translate
        one, many = translate(self.object_name), translate(self.object_name_plural)
        return translate(_TITLES.get(action, "{many}")).format(one=one, many=many, name=name)

    def init_object(self, action: str) -> Any:
        """
        What the address names, for that action.

        Raises:
            HTTPNotFound: If there is nothing of that id, or the person may not do that with it: nobody learns which.
        """
        key = as_key(self.orm_cls, self.page.id)
        obj = None if key is None else self.get(key)
        if obj is None or not self.may(action, obj):
            raise HTTPNotFound
        return obj

    def get(self, key: Any) -> Any:
        """The object of that key; None if there is none."""
        return self.request.db.get(self.orm_cls, key)

    def create_form(self, obj: Any, fields: Mapping[str, str] | None = None) -> Form:
        """
        The form.

        Args:
            obj: What is changed; None for a new one.
            fields: What was posted.
        """
        posted = None if fields is None else FormFields(fields)
        return self.form_cls(posted, obj=obj, language=self.request.language)

    def form_template_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """What the template of the form gets besides."""
        return args

    def grid_template_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """What the template of the list gets besides."""
        return args

    def add_orm_obj(self, form: Form) -> Any:
        """Add one; returns it, or a :class:`onegov_auth.outcomes.Refused`."""
        obj = self.orm_cls()
        form.populate_obj(obj)
        self.request.db.add(obj)
        self.request.db.flush()
        return obj

    def update_obj(self, obj: Any, form: Form) -> Any:
        """Change one; may return a :class:`onegov_auth.outcomes.Refused`."""
        form.populate_obj(obj)
        self.request.db.flush()

    def delete_obj(self, obj: Any) -> Any:
        """Delete one; may return a :class:`onegov_auth.outcomes.Refused`."""
        self.request.db.delete(obj)
        self.request.db.flush()

    def on_add_edit_success(self, obj: Any, *, added: bool) -> Response:  # noqa: ARG002 - for subclasses
        """It is saved: say so, and go on."""
        return self.done(_ADDED if added else _SAVED)

    def on_add_edit_failure(self, form: Form, obj: Any, refused: Refused | None = None) -> Response:
        """It is not saved: the form once more, with what is the matter."""
        return self.show_form(form, obj, alert=None if refused is None else self.words(refused))

    def on_delete_success(self, name: str) -> Response:  # noqa: ARG002 - for subclasses
        """It is deleted: say so, and go on."""
        return self.done(_DELETED)

    def on_delete_failure(self, obj: Any, refused: Refused) -> Response:
        """It is not deleted: say why."""
        alert = _IN_USE if refused.code == _CONFLICT else self.words(refused)
        return self._render(self.delete_template, "delete", obj, alert=alert)

    def make_grid(self) -> Grid:
        """The list, as the address asks for it."""
        return self.grid_cls(self, query_fields(self.request))

    def confirm_selected(self, action: str, keys: Sequence[Any], fields: Mapping[str, str]) -> Response:
        """The question whether to do it; what the form of the list says besides is kept."""
        kept = {name: value for name, value in fields.items() if name != "csrf_token"}
        label = self.selected_actions[action]
        return self._render(self.selected_template, "list", None, label=label, count=len(keys), kept=kept)

    def do_selected(self, action: str, keys: Sequence[Any], fields: Mapping[str, str]) -> Response:
        """
        Do it with all of them, in one piece.

        Args:
            action: A key of :attr:`selected_actions`.
            keys: Of what is selected; those that are not there (any more) are to be passed over.
            fields: All that was posted; untrusted.
        """
        raise NotImplementedError

    # -- what hooks use ------------------------------------------------------------------------

    def words(self, refused: Refused) -> str:
        """What a person reads of a refusal."""
        return self.refusals.get(refused.code, _TAKEN)

    def done(self, text: str, to: str | None = None) -> Response:
        """Say *text* on the next page, by default the list."""
        self.request.success(self.request.translate(text))
        return redirect_to(self.request, self.list_url() if to is None else to)

    def refuse(self, text: str, to: str | None = None) -> Response:
        """Say on the next page why it is not done."""
        self.request.alert(self.request.translate(text))
        return redirect_to(self.request, self.list_url() if to is None else to)

    def show_form(self, form: Form, obj: Any, alert: str | None = None) -> Response:
        """The page with the form."""
        args = self.form_template_args({"form": form, "alert": alert})
        return self._render(self.form_template, "add" if obj is None else "edit", obj, **args)

    def render(self, template: str, **args: Any) -> Response:
        """A page in the frame of the administration; an application with a frame of its own overrides this."""
        return admin_page(self.request, template, **args)

    def _show_list(self) -> Response:
        grid = self.make_grid()
        return self._render(self.list_template, "list", None, **self.grid_template_args({"grid": grid}))

    def _render(self, template: str, action: str, obj: Any, **args: object) -> Response:
        args = {"alert": None, **args}
        return self.render(template, crud=self, obj=obj, title=self.page_title(action, obj), **args)

    def _posted(self) -> dict[str, str]:
        return posted_fields(self.request)

    def _attempt(self, work: Callable[[], Any]) -> Any:
        """Do *work*; what the database does not allow is a refusal, and leaves nothing behind."""
        try:
            done = work()
        except IntegrityError:
            self.request.db.rollback()
            return Refused(_CONFLICT)
        if isinstance(done, Refused):
            self.request.db.rollback()
        return done
