"""Pages to list, add, change and delete objects of an application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from sqlalchemy import Integer, Text, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from wtforms.fields import IntegerField, StringField
from wtforms.validators import InputRequired

from onegov_auth.forms import Form
from onegov_auth.outcomes import Refused
from onegov_auth.web import Private, Secret
from onegov_auth.web.columns import ActionColumn, Column, LinkColumn
from onegov_auth.web.crud import CrudView
from onegov_auth.web.filters import TextFilter
from onegov_auth.web.grid import Grid
from tests.web.conftest import App as Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Base(DeclarativeBase):
    """The application's own base."""


class Invoice(Base):
    """Something of the application's."""

    __tablename__ = "invoices"

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    title: Mapped[str] = mapped_column(Text, unique=True)
    amount: Mapped[int] = mapped_column(Integer, default=0)
    paid_by: Mapped[str | None] = mapped_column(Text)


class InvoiceForm(Form):
    """What may be changed."""

    title = StringField("Title", [InputRequired()])
    amount = IntegerField("Amount", default=0)


class InvoiceGrid(Grid):
    """The list."""

    columns: ClassVar[Sequence[Column]] = (
        LinkColumn("title", "Title", sort=True),
        Column("amount", "Amount", sort=True),
        ActionColumn(),
    )
    filters = (TextFilter("q", "Search", "title"),)
    order = "title"
    size = 3


class Invoices(CrudView):
    """The pages."""

    orm_cls = Invoice
    form_cls = InvoiceForm
    grid_cls = InvoiceGrid
    object_name = "Invoice"
    object_name_plural = "Invoices"
    permissions: ClassVar[Mapping[str, Any]] = {"list": Private, "add": Private, "edit": Private, "delete": Secret}
    refusals: ClassVar[Mapping[str, str]] = {"paid": "This invoice is paid."}
    selected_actions: ClassVar[Mapping[str, str]] = {"double": "Double"}

    def update_obj(self, obj: Any, form: Form) -> Any:
        """What is paid stays as it is."""
        super().update_obj(obj, form)
        return Refused("paid") if obj.paid_by else None

    def do_pay(self, invoice: Any) -> Any:
        """Note who paid."""
        invoice.paid_by = self.request.identity.userid
        return self.done("It is paid.")

    def do_selected(self, action: str, keys: Sequence[Any], fields: Mapping[str, str]) -> Any:
        """Double the amounts."""
        for invoice in self.request.db.scalars(select(Invoice).where(Invoice.number.in_(keys))):
            invoice.amount *= 2
        return self.done("Doubled.")


class App(Site):
    """A site with invoices."""


class OwnGrid(InvoiceGrid):
    """Without amounts."""

    columns = (Column("title", "Title"),)


class ReadOnly(Invoices):
    """Nobody changes anything here."""

    grid_cls = OwnGrid
    permissions: ClassVar[Mapping[str, Any]] = {"list": Secret}
    selected_actions: ClassVar[Mapping[str, str]] = {}


Invoices.mount(App, "bookkeeping/invoices")
ReadOnly.mount(App, "archive")


@pytest.fixture(name="site")
def _site(make_app: Callable[..., Any], database: Any, add_user: Any, make_browser: Any) -> Any:
    """A browser in which an editor is logged in, and four invoices."""
    Base.metadata.create_all(database.engine)
    add_user("editor@example.org", "editor")
    add_user("admin@example.org", "admin")
    browser = make_browser(make_app(cls=App))
    with database.unit() as db:
        db.add_all([Invoice(number=n, title=f"Invoice {n}", amount=n) for n in range(1, 5)])
    browser.log_in("editor@example.org")
    return browser


@pytest.fixture(name="invoices")
def _invoices(database: Any) -> Callable[[], dict[int, tuple[str, int, str | None]]]:
    """What is stored."""

    def stored() -> dict[int, tuple[str, int, str | None]]:
        with database.read() as db:
            return {one.number: (one.title, one.amount, one.paid_by) for one in db.scalars(select(Invoice))}

    return stored


PATH = "/bookkeeping/invoices"


def form_of(page: Any, marker: str = "csrf_token") -> Any:
    """The first form that has that field."""
    return next(form for form in page.forms.values() if marker in form.fields)


def test_list_shows_a_page_of_rows(site: Any) -> None:
    """The list has as many rows as the grid says, in its order, and leads to the others."""
    page = site.get(PATH)

    assert [th.get_text(strip=True) for th in page.html.select("tbody th")] == ["Invoice 1", "Invoice 2", "Invoice 3"]
    assert page.html.select_one("tbody th a")["href"] == f"{PATH}/1"
    page = page.click("Next")
    assert [th.get_text(strip=True) for th in page.html.select("tbody th")] == ["Invoice 4"]


def test_objects_are_added(site: Any, invoices: Any) -> None:
    """A form adds one, and the list says so."""
    form = form_of(site.get(f"{PATH}/new"))
    form["title"], form["amount"] = "Invoice 9", "900"
    page = form.submit(status=303).follow()

    assert "Added." in page.text
    assert ("Invoice 9", 900, None) in invoices().values()


def test_objects_are_changed(site: Any, invoices: Any) -> None:
    """The form has what is stored, and stores what is typed."""
    form = form_of(site.get(f"{PATH}/2"))
    assert form["title"].value == "Invoice 2"
    form["amount"] = "22"
    form.submit(status=303)

    assert invoices()[2] == ("Invoice 2", 22, None)


def test_form_with_faults_changes_nothing(site: Any, invoices: Any) -> None:
    """What is wrong with a form stands above it, and nothing is changed."""
    form = form_of(site.get(f"{PATH}/2"))
    form["title"], form["amount"] = "", "77"
    page = form.submit(status=200)

    assert "Please check what you typed" in page.text
    assert invoices()[2] == ("Invoice 2", 2, None)


@pytest.mark.sec("ASVS-15.3.3")
def test_only_fields_of_the_form_are_changed(site: Any, invoices: Any) -> None:
    """A field that the form has not is passed over, even if the object has it."""
    token = form_of(site.get(f"{PATH}/2"))["csrf_token"].value
    site.post(f"{PATH}/2", {"csrf_token": token, "title": "T", "amount": "2", "paid_by": "me", "number": "7"})

    assert invoices()[2] == ("T", 2, None)


def test_refused_change_leaves_nothing_behind(site: Any, invoices: Any) -> None:
    """A change that a hook refuses is taken back, and the page says why."""
    token = form_of(site.get(f"{PATH}/2"))["csrf_token"].value
    site.post(f"{PATH}/2/do/pay", {"csrf_token": token}, status=303)
    page = site.post(f"{PATH}/2", {"csrf_token": token, "title": "Other", "amount": "1"})

    assert "This invoice is paid." in page.text
    assert invoices()[2] == ("Invoice 2", 2, "editor@example.org")


def test_conflict_is_told(site: Any, invoices: Any) -> None:
    """What the database does not allow is told as a refusal."""
    form = form_of(site.get(f"{PATH}/2"))
    form["title"] = "Invoice 3"
    page = form.submit(status=200)

    assert "taken by another one" in page.text
    assert invoices()[2][0] == "Invoice 2"


def test_objects_are_deleted_by_a_form(site: Any, invoices: Any) -> None:
    """The page to delete asks; only its form deletes."""
    site.log_out()
    site.log_in("admin@example.org")
    page = site.get(f"{PATH}/3/delete")
    assert "Delete Invoice 3 for good?" in page.text
    assert 3 in invoices()
    page = form_of(page).submit(status=303).follow()

    assert "Deleted." in page.text
    assert 3 not in invoices()


@pytest.mark.sec("CSRF-08")
def test_delete_needs_the_token(site: Any, invoices: Any) -> None:
    """Without the token of a form of ours nothing is deleted, added or changed."""
    site.log_out()
    site.log_in("admin@example.org")
    for path in ("3/delete", "3", "new", "3/do/pay", ""):
        site.post(f"{PATH}/{path}".rstrip("/"), {"title": "x", "do": "double", "select.3": "1"}, status=403)

    assert invoices()[3] == ("Invoice 3", 3, None)


@pytest.mark.sec("ASVS-8.3.1")
def test_each_action_has_its_permission(site: Any, make_browser: Any) -> None:
    """An editor sees no link to delete and no page for it; a visitor is led to the login."""
    assert "/delete" not in site.get(PATH).text
    site.get(f"{PATH}/3/delete", status=403)
    for path in (PATH, f"{PATH}/new", f"{PATH}/1", f"{PATH}/export"):
        assert "/auth/login" in make_browser(site.app).get(path, status=303).location


@pytest.mark.parametrize(
    "path", ["7", "x", "1%00", "99999999999999999999999", "-1", "1/do/steal", "1/do/__init__", "1/do/selected"]
)
@pytest.mark.sec("ASVS-8.2.2")
def test_unknown_ids_are_not_found(site: Any, path: str) -> None:
    """An id that is nobody's, or none at all, is a page that does not exist; so is an unknown deed."""
    token = form_of(site.get(f"{PATH}/1"))["csrf_token"].value
    site.post(f"{PATH}/{path}", {"csrf_token": token, "title": "x"}, status=404)


def test_something_is_done_with_several(site: Any, invoices: Any) -> None:
    """What is selected is shown once more, and then done."""
    form = form_of(site.get(PATH), "select.1")
    form["select.1"], form["select.3"] = True, True
    page = form.submit("do", value="double", status=200)
    assert "2 are selected." in page.text
    assert invoices()[1][1] == 1
    page = form_of(page, "confirmed").submit(status=303).follow()

    assert "Doubled." in page.text
    assert [amount for _title, amount, _by in invoices().values()] == [2, 2, 6, 4]


def test_nothing_selected_is_told(site: Any) -> None:
    """With nothing selected, the page says so."""
    assert "select something" in form_of(site.get(PATH), "select.1").submit("do", value="double").follow().text


def test_unknown_action_is_refused(site: Any) -> None:
    """What is not offered can't be done."""
    token = form_of(site.get(PATH), "select.1")["csrf_token"].value
    site.post(PATH, {"csrf_token": token, "do": "delete", "select.1": "1"}, status=400)


def test_two_views_of_one_class_stay_apart(site: Any) -> None:
    """Each mount answers with its own grid and permissions; what they leave out is not there."""
    site.get("/archive", status=403)
    site.log_out()
    site.log_in("admin@example.org")

    assert [th.get_text(strip=True) for th in site.get("/archive").html.select("thead th")] == ["Title"]
    assert len(site.get(PATH).html.select("thead th")) == 4
    site.get("/archive/new", status=404)
    site.get("/archive/1", status=404)


def test_subclass_of_the_application_replaces_the_pages(make_app: Any, site: Any, make_browser: Any) -> None:
    """A view that is mounted at the same path of a subclass takes the place of the one above."""

    class Other(App):
        """Another site."""

    ReadOnly.mount(Other, "bookkeeping/invoices")
    browser = make_browser(make_app(cls=Other))
    browser.log_in("admin@example.org")

    assert len(browser.get(PATH).html.select("thead th")) == 1
