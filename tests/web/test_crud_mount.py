"""How pages of lists and forms come to be."""

from __future__ import annotations

from typing import Any

import dectate
import pytest

from onegov_auth.web import AuthApp
from onegov_auth.web.crud_mount import CrudPage, mount, vars_of
from tests.web.test_crud import Invoices, ReadOnly


def test_pages_are_those_of_the_permissions() -> None:
    """Each action that has a permission has its pages, of classes of their own."""

    class App(AuthApp):
        """A site."""

    first, second = mount(Invoices, App, "a"), mount(ReadOnly, App, "b")

    assert sorted(first) == ["Add", "Delete", "Do", "Edit", "Export", "List"]
    assert sorted(second) == ["Export", "List"]
    assert first["List"] is not second["List"]
    assert all(issubclass(page, CrudPage) for page in first.values())
    assert vars_of(first["Do"]("7", "pay")) == {"id": "7", "do": "pay"}


def test_two_views_at_one_path_are_a_mistake() -> None:
    """One application has one view at a path; start-up says so."""

    class App(AuthApp):
        """A site."""

    Invoices.mount(App, "a")
    ReadOnly.mount(App, "a")
    with pytest.raises(dectate.ConflictError):
        App.commit()


def test_addresses_have_no_other_parameters(make_app: Any) -> None:
    """What stands in the query is no argument of a page."""

    class App(AuthApp):
        """A site."""

    pages = mount(Invoices, App, "a")
    app = make_app(cls=type("Site", (App,), {}))
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "x", "SERVER_PORT": "80"}
    request = app.request({**environ, "wsgi.url_scheme": "http", "HTTP_HOST": "app.example.org"})
    assert request.link(pages["Edit"]("7")).endswith("/a/7")
    assert request.link(pages["List"]()).endswith("/a")
