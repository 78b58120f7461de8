"""A small host that says who is asking."""

from __future__ import annotations

from typing import Any

import morepath
import pytest

from onegov_auth import AuthApp


class App(AuthApp):
    """The host."""


class Root:
    """Its front page."""


class Echo:
    """A page for every method."""


@App.path(path="", model=Root)
def _root() -> Root:
    return Root()


@App.path(path="echo", model=Echo)
def _echo() -> Echo:
    return Echo()


def _who(request: Any) -> str:
    return str(request.identity.userid or "nobody")


@App.html(model=Root)
def _home(self: Root, request: Any) -> str:
    return _who(request)


@App.html(model=Root, name="form", request_method="POST")
def _form(self: Root, request: Any) -> str:
    request.assert_valid_csrf_token()
    return f"taken from {_who(request)}"


def _answer(self: Echo, request: Any) -> morepath.Response:
    return morepath.Response("", headers={"X-Who": _who(request)})


for _method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
    App.view(model=Echo, request_method=_method)(_answer)


@pytest.fixture(name="small_host")
def _small_host() -> type[App]:
    """The host's class."""
    return App


@pytest.fixture(name="application")
def _application(make_application: Any, small_host: type[App]) -> Any:
    """The host."""
    return make_application(small_host)
