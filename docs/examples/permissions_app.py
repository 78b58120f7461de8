"""An application with permissions of its own."""

from collections.abc import Sequence
from typing import Any, ClassVar

from onegov_auth import AuthApp, AuthRequest, Permission, Secret, has_all, has_any


class ReadInvoices(Permission):
    """Read all invoices."""

    token = "invoices.read"


class WriteInvoices(Permission):
    """Write invoices, and send them."""

    token = "invoices.write"


def in_the_office(user: Any) -> bool:
    """A question to the user, beside the permissions."""
    return "office" in (user.tags or [])


class App(AuthApp):
    """What is listed here is the catalogue; what views ask for is in it as well."""

    permissions: ClassVar[Sequence[Any]] = (ReadInvoices, WriteInvoices, ("reports.run", "Run the monthly reports"))


class Invoices:
    """All invoices."""


@App.path(path="", model=Invoices)
def invoices() -> Invoices:
    """The only page."""
    return Invoices()


@App.json(model=Invoices, permission=has_any(ReadInvoices, Secret))
def read(self: Invoices, request: AuthRequest) -> dict[str, bool]:
    """For those who may read them, and for administrators."""
    return {"may_write": request.has_permission(self, WriteInvoices)}


@App.json(model=Invoices, name="close-year", permission=has_all(WriteInvoices, "reports.run", in_the_office))
def close_year(self: Invoices, request: AuthRequest) -> str:
    """For those who have both permissions and sit in the office."""
    return "closed"
