from __future__ import annotations

import pytest

from onegov_auth.permissions.classes import Combination, Intent, Permission, Personal, Public
from onegov_auth.web import permissions as for_views


class ReadInvoices(Permission):
    """
    Read invoices.

    All of them.
    """

    token = "invoices.read"


class ReadOldInvoices(ReadInvoices):
    """Read those of years that are closed."""

    token = "invoices.read.old"
    description = "Read old ones"


@pytest.mark.parametrize("token", [None, "", "  ", 5])
def test_permission_needs_a_token(token: object) -> None:
    """A permission nobody can be granted is a mistake, found where it is written."""
    with pytest.raises(TypeError, match="needs a token"):
        type("Broken", (Permission,), {} if token is None else {"token": token})


def test_permission_is_described_by_its_docstring() -> None:
    """The first line of its own docstring says what it allows, unless it says so itself."""
    assert ReadInvoices.description == "Read invoices."
    assert ReadOldInvoices.description == "Read old ones"
    assert type("ReadMore", (ReadInvoices,), {"token": "invoices.more"}).description is None  # type: ignore[attr-defined]  # made here
    assert Permission.description is None


def test_views_import_the_same_classes() -> None:
    """The classes that were the web's are the same ones: Morepath decides by class."""
    assert for_views.Permission is Permission
    assert for_views.Combination is Combination
    assert for_views.Personal is Personal
    assert issubclass(Public, Intent)
