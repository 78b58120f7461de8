from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from wtforms.fields import BooleanField, StringField
from wtforms.validators import InputRequired

from onegov_auth import AuthApp, Private, Secret
from onegov_auth.forms import Form
from onegov_auth.outcomes import Refused
from onegov_auth.web.columns import ActionColumn, LinkColumn, YesNoColumn
from onegov_auth.web.crud import CrudView
from onegov_auth.web.filters import TextFilter, YesNoFilter
from onegov_auth.web.grid import Grid


class Base(DeclarativeBase):
    pass


class Invoice(Base):
    __tablename__ = "invoices"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(unique=True)
    paid: Mapped[bool] = mapped_column(default=False)


class InvoiceForm(Form):
    title = StringField("Title", [InputRequired()])
    paid = BooleanField("Paid")


class InvoiceGrid(Grid):
    columns = (LinkColumn("title", "Title", sort=True), YesNoColumn("paid", "Paid"), ActionColumn())
    filters = (TextFilter("q", "Title", "title"), YesNoFilter("paid", "Paid"))
    order = "title"


class Invoices(CrudView):
    orm_cls = Invoice
    form_cls = InvoiceForm
    grid_cls = InvoiceGrid
    object_name = "Invoice"
    object_name_plural = "Invoices"
    permissions = {"list": Private, "add": Private, "edit": Private, "delete": Secret}
    refusals = {"paid": "What is paid stays."}

    def delete_obj(self, obj):
        return Refused("paid") if obj.paid else super().delete_obj(obj)


class App(AuthApp):
    pass


Invoices.mount(App, "invoices")
