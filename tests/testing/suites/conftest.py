"""A host with one page that needs permissions, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth import AuthApp, Permission, has_all


class Read(Permission):
    """Read invoices."""

    token = "invoices.read"


class Pay(Permission):
    """Pay them."""

    token = "invoices.pay"


class App(AuthApp):
    """The host."""


class Root:
    """Its one model."""


@App.path(path="", model=Root)
def _root() -> Root:
    return Root()


@App.html(model=Root)
def _home(self: Root, request: Any) -> str:
    return "home"


@App.html(model=Root, name="invoices", permission=has_all(Read, Pay))
def _invoices(self: Root, request: Any) -> str:
    return f"invoices of {request.identity.userid}"


@pytest.fixture(name="host")
def _host() -> type[App]:
    """The host's class."""
    return App


@pytest.fixture(name="application_url", params=["sqlite", "postgresql"])
def _application_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(name="application")
def _application(make_application: Any, host: type[App]) -> Any:
    """The host, for tests that inherit nothing."""
    return make_application(host)
