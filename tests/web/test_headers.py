from __future__ import annotations

from collections.abc import Callable
from typing import Any

import morepath
import pytest

from onegov_auth.testing.providers import KnownIssuer
from onegov_auth.web.headers import OWN_PAGE

PAGES = {
    "/auth/login": 200,
    "/auth/logout": 200,
    "/auth/nothing": 404,
    "/auth/provider/company": 200,
    "/auth/provider/company/callback": 400,
    "/auth/provider/nobody": 404,
    "/auth/provider/auto": 401,
    "/nothing": 404,
}


@pytest.mark.sec(
    "CSRF-09", "ASVS-3.4.3", "ASVS-3.4.4", "ASVS-3.4.5", "ASVS-3.4.6", "ASVS-3.4.8", "ASVS-14.3.2", "ASVS-4.1.1"
)
@pytest.mark.parametrize(("path", "status"), PAGES.items())
def test_own_pages_are_locked_down(make_app: Any, make_browser: Any, path: str, status: int) -> None:
    """Every page of ours, refusals included, can't be framed, cached, sniffed or scripted."""
    response = make_browser(make_app(KnownIssuer(name="company"))).get(path, status=status)

    exceptions = {"Referrer-Policy": "no-referrer"} if path.endswith("callback") else {}
    assert {name: response.headers[name] for name in OWN_PAGE} == {**OWN_PAGE, **exceptions}
    assert response.charset


@pytest.mark.sec("ASVS-3.4.3", "ASVS-3.4.6")
def test_policy_says_what_it_must() -> None:
    """Forms go to this site only, nobody frames us, no object, no base, no inline script."""
    policy = dict(part.split(" ", 1) for part in OWN_PAGE["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == policy["base-uri"] == policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == policy["script-src"] == policy["style-src"] == "'self'"


@pytest.mark.sec("ASVS-14.3.2", "SESS-03")
def test_pages_of_logged_in_people_are_not_stored(browser: Any, add_user: Callable[..., Any]) -> None:
    """A page that knew who is looking is in no cache; one that nobody was named to may be."""
    assert "Cache-Control" not in browser.get("/").headers
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    assert browser.get("/").headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in browser.get("/open").headers


def test_pages_of_the_application_keep_their_headers(make_app: Any, make_browser: Any, app_class: Any) -> None:
    """The application's own pages get the harmless headers, and what they set themselves stays."""

    class Own(app_class):  # type: ignore[misc] # a class made by a fixture
        pass

    class Page:
        pass

    def _page() -> Page:
        return Page()

    Own.path(path="own", model=Page)(_page)

    def _view(self: Page, request: Any) -> morepath.Response:
        assert request.identity
        return morepath.Response("own", headers={"X-Frame-Options": "DENY", "Cache-Control": "private, max-age=5"})

    Own.html(model=Page)(_view)

    headers = make_browser(make_app(cls=Own)).get("/own").headers
    assert headers.getall("X-Frame-Options") == ["DENY"]
    assert headers.getall("Cache-Control") == ["private, max-age=5"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in headers


@pytest.mark.sec("ASVS-3.4.2")
def test_no_other_site_may_read_us(browser: Any) -> None:
    """There is no CORS header, whatever origin asks."""
    response = browser.get("/auth/login", headers={"Origin": "https://evil.example"})

    assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.sec("ASVS-14.3.1", "SESS-03")
def test_logout_clears_the_browser(browser: Any, add_user: Callable[..., Any], app: Any) -> None:
    """The cache is cleared, the cookies go, and the old token is worth nothing."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")
    token = browser.cookies[app.cookies.session]

    response = browser.log_out()

    assert response.headers["Clear-Site-Data"] == '"cache"'
    assert not {app.cookies.session, app.cookies.browser} & browser.cookies.keys()
    assert "nobody" in browser.get("/", headers={"Cookie": f"{app.cookies.session}={token}"}).text


@pytest.mark.sec("HOST-01", "REDIR-03")
@pytest.mark.parametrize("host", ["app.example.org", "evil.example"])
def test_redirects_of_the_application_are_ours(browser: Any, host: str) -> None:
    """A path in a Location is completed by our own origin and not by the Host header."""
    response = browser.post("/failing?end=raise&status=303", headers={"Host": host})

    assert response.location == "https://app.example.org/"


def test_addresses_in_a_location_stay(browser: Any, app: Any) -> None:
    """Where the application sends somebody to another site, it does."""
    app.question = lambda request: request.after(lambda r: r.headers.update({"Location": "https://id.example.com/x"}))

    assert browser.get("/ask").headers["Location"] == "https://id.example.com/x"
