from __future__ import annotations

from typing import Any

import morepath
import pytest
from webob.exc import HTTPNotFound

from onegov_auth.errors import SettingsError
from onegov_auth.web import AuthApp, AuthBase, AuthPages, AuthRequest, Personal, Public


def test_applications_and_pages_are_siblings() -> None:
    """Both have the policy of the base; neither is mounted by being inherited."""
    assert issubclass(AuthApp, AuthBase)
    assert issubclass(AuthPages, AuthBase)
    assert not issubclass(AuthPages, AuthApp)
    assert not issubclass(AuthApp, AuthPages)
    assert AuthBase.request_class is AuthRequest


def test_stranger_can_be_no_parent(app: Any) -> None:
    """Mounted below an application without our tweens, it refuses to work; below one of ours it works."""
    pages = AuthPages()
    pages.parent = app
    assert pages.root_app is app

    with pytest.raises(SettingsError, match="has to be an AuthApp itself"):
        pages.parent = morepath.App()
    pages.parent = None
    assert pages.parent is None


def test_mounted_applications_of_the_host_know_the_person(
    make_app: Any, make_browser: Any, app_class: Any, add_user: Any
) -> None:
    """An application that the host mounts has our identity and permissions if it is an AuthBase."""

    class Shop(AuthBase):
        pass

    class Shelf:
        pass

    @Shop.path(path="", model=Shelf)
    def _shelf() -> Shelf:
        return Shelf()

    @Shop.html(model=Shelf, permission=Personal)
    def _view(self: Shelf, request: Any) -> str:
        return f"shelf of {request.identity.userid}"

    class Site(app_class):  # type: ignore[misc] # a class made by a fixture
        pass

    def _shop() -> Shop:
        return Shop()

    Site.mount(path="shop", app=Shop)(_shop)

    add_user("ann@example.org")
    browser = make_browser(make_app(cls=Site))
    assert browser.get("/shop", status=303).location == "https://app.example.org/auth/login?to=%2Fshop"
    browser.log_in("ann@example.org")
    assert browser.get("/shop").text == "shelf of ann@example.org"


def test_everybody_may_see_errors(app: Any) -> None:
    """An error page is shown even where the role anonymous may see nothing."""
    app.intents = {"anonymous": frozenset()}

    assert app._permits(morepath.NO_IDENTITY, HTTPNotFound(), Public)
    assert not app._permits(morepath.NO_IDENTITY, object(), Public)


@pytest.mark.sec("HOST-01", "HOST-02")
@pytest.mark.parametrize(
    ("host", "origin"), [("evil.example", "https://app.example.org"), ("localhost", "https://localhost")]
)
def test_links_of_the_application_are_ours(ask: Any, host: str, origin: str) -> None:
    """What the application links to is at our own origin, whatever Host the request came by."""
    environ = {"HTTP_HOST": host, "SCRIPT_NAME": "/site"}

    link = ask(lambda r: r.link(r.root_app.child("auth"), app=r.root_app), extra_environ=environ)

    assert link == f"{origin}/site/auth"
