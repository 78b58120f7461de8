from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client
from onegov_auth.models import AuthEvent
from onegov_auth.outcomes import Redirect, Refused, Unavailable
from onegov_auth.providers import Answer, Handler, ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, person

CALLBACK = "/auth/provider/company/callback"
SETTINGS = ProviderSettings(kind="known-issuer", roles={"member": ("*",)})


def issuer(**more: Any) -> KnownIssuer:
    """An issuer that vouches for Ann by the code "c"."""
    ann = person("company", "1", "ann@example.org", groups=frozenset({"x"}), realname="Ann")
    return KnownIssuer(name="company", settings=SETTINGS, people={"c": ann}, **more)


@pytest.fixture(name="make")
def _make(make_app: Any, make_browser: Any) -> Any:
    def make(*providers: Any) -> Any:
        return make_browser(make_app(*providers))

    return make


@pytest.fixture(name="browser")
def _browser(make: Any) -> Any:
    return make(issuer())


def begin(browser: Any, to: str = "/personal", **fields: str) -> str:
    """Press the button; returns the state."""
    form = browser.get("/auth/login", {"to": to}).forms[1]
    csrf, to_field = form["csrf_token"].value, form["to"].value
    page = browser.post("/auth/provider/company", {"csrf_token": csrf, "to": to_field, **fields}, status=200)
    return str(page.text.partition("state=")[2].partition("&")[0])


def test_person_comes_in_by_an_issuer(browser: Any, app: Any) -> None:
    """Button, page, issuer, callback: a 303 to where the person wanted to go, without code and state."""
    state = begin(browser)

    response = browser.get(CALLBACK, {"state": state, "code": "c"}, status=303)

    assert response.location == "https://app.example.org/personal"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Max-Age" not in response.headers["Set-Cookie"]
    assert response.follow().text == "Hello Ann"


def test_staying_logged_in_goes_along(browser: Any) -> None:
    """The choice made before leaving holds when the person is back."""
    state = begin(browser, remember="y")

    assert "Max-Age=2592000" in browser.get(CALLBACK, {"state": state, "code": "c"}).headers["Set-Cookie"]


@pytest.mark.sec("CSRF-02", "OAUTH-04", "REDIR-09")
@pytest.mark.parametrize("query", ["", "?code=c", "?state=", "?state=x&code=c", "?state=%00", "?state=" + "x" * 5000])
def test_callback_nobody_began_is_refused(browser: Any, query: str) -> None:
    """Without a state of ours there is a clear page with a way back, and no session."""
    begin(browser)

    page = browser.get(CALLBACK + query, status=400)
    assert "begin again" in page.text
    assert 'href="/auth/login"' in page.text
    assert "nobody" in browser.get("/").text


@pytest.mark.sec("CSRF-02", "SESS-01")
def test_another_browsers_state_is_refused(browser: Any, make_browser: Any) -> None:
    """Who is made to visit the callback of an attacker's login is not logged in, and the login is not spoilt."""
    state = begin(browser)
    victim = make_browser(browser.app)
    victim.get("/auth/login")

    victim.get(CALLBACK, {"state": state, "code": "c"}, status=400)
    assert "nobody" in victim.get("/").text
    browser.get(CALLBACK, {"state": state, "code": "c"}, status=303)


@pytest.mark.sec("CSRF-02")
@pytest.mark.parametrize("dest", ["image", "iframe", "empty", "script", ""])
def test_callback_that_is_no_navigation_is_refused(
    browser: Any, database: Database, caplog: pytest.LogCaptureFixture, dest: str
) -> None:
    """What another site embeds writes no event and no log line, and spoils nothing; a window goes on."""
    state = begin(browser)
    caplog.clear()

    for query in ({"state": state, "code": "c"}, {"state": "x"}):
        page = browser.get(CALLBACK, query, headers={"Sec-Fetch-Dest": dest}, status=400)
        assert "This login can&#39;t be finished" in page.text
        browser.post(CALLBACK, query, headers={"Sec-Fetch-Dest": dest}, status=400)
    with database.read() as db:
        assert db.query(AuthEvent).count() == 0
    assert not caplog.records
    browser.get(CALLBACK, {"state": state, "code": "c"}, headers={"Sec-Fetch-Dest": "document"}, status=303)


@pytest.mark.sec("CSRF-02")
@pytest.mark.parametrize("bounced", [False, True])
def test_callback_gives_no_browser_its_value(browser: Any, make_browser: Any, bounced: bool) -> None:
    """Who comes to a callback without our cookie has begun nothing here, and is sent none."""
    state, stranger = begin(browser), make_browser(browser.app)

    if bounced:
        page = stranger.post(CALLBACK, {"state": state, "code": "c"}, status=200)
        assert "Set-Cookie" not in page.headers
        response = page.form.submit(status=400)
    else:
        response = stranger.get(CALLBACK, {"state": state, "code": "c"}, status=400)
    assert "Set-Cookie" not in response.headers


@pytest.mark.sec("OAUTH-14")
def test_callback_works_once(browser: Any) -> None:
    """The same address again is refused."""
    state = begin(browser)
    browser.get(CALLBACK, {"state": state, "code": "c"}, status=303)

    browser.get(CALLBACK, {"state": state, "code": "c"}, status=400)


@pytest.mark.sec("ASVS-15.3.7")
@pytest.mark.parametrize("doubled", ["state", "code"])
def test_doubled_parameters_are_refused(browser: Any, doubled: str) -> None:
    """Two states or codes are none, and the login goes on with one."""
    state = begin(browser)

    browser.get(f"{CALLBACK}?state={state}&code=c&{doubled}=x", status=400)
    browser.get(CALLBACK, {"state": state, "code": "c"}, status=303)


def test_refusal_leads_back_to_the_login_page(browser: Any) -> None:
    """What the issuer refuses is told on the login page, whose address has neither code nor state."""
    response = browser.get(CALLBACK, {"state": begin(browser), "code": "wrong"}, status=303)

    assert response.location == "https://app.example.org/auth/login?to=%2Fpersonal&local=1"
    assert "You could not be logged in this way." in response.follow().text


def test_issuer_that_is_down_is_told(make: Any) -> None:
    """At the start and at the end: a sentence, a 503 or the login page, and no trace."""
    down: set[str] = set()
    browser = make(issuer(down=down))
    state = begin(browser)
    down.add("x")

    back = browser.get(CALLBACK, {"state": state, "code": "c"}, status=303)
    assert "login service can&#39;t be reached" in back.follow().text
    page = browser.get("/auth/login").forms[1].submit(status=503)
    assert "login service can&#39;t be reached" in page.text


def test_posted_answer_bounces_once(browser: Any, make_browser: Any) -> None:
    """Where the Lax cookie is absent, the form is posted again by our own page, and then it has the cookie."""
    state = begin(browser)

    page = make_browser(browser.app).post(CALLBACK, {"state": state, "code": "c"}, status=200)
    assert '<script src="/auth/static/submit.js' in page.text
    again = browser.post(page.form.action, dict(page.form.submit_fields()))
    assert again.location == "https://app.example.org/personal"


@pytest.mark.sec("COOKIE-05")
def test_bounce_is_no_way_around_the_cookie(browser: Any, make_browser: Any) -> None:
    """A form that bounced and still has no cookie, or another browser's, is refused."""
    state = begin(browser)
    stranger = make_browser(browser.app)
    page = stranger.post(CALLBACK, {"state": state, "code": "c"}, status=200)
    stranger.reset()

    page.form.submit(status=400)
    assert "nobody" in stranger.get("/").text


def test_bounce_repeats_what_was_posted_as_text(browser: Any) -> None:
    """Values are escaped, and a posted form is never answered with code of its own."""
    page = browser.post(CALLBACK, {"state": '"><script>alert(1)</script>'}, status=200)

    assert "<script>alert" not in page.text


def test_posted_answer_with_the_cookie_goes_on(browser: Any) -> None:
    """Where the browser sends the cookie there is nothing to bounce for."""
    state = begin(browser)

    assert browser.post(CALLBACK, {"state": state, "code": "c"}).location == "https://app.example.org/personal"


def test_link_to_a_provider_shows_its_button(browser: Any) -> None:
    """To visit the page begins nothing; its button does."""
    page = browser.get("/auth/provider/company?to=/personal")
    assert browser.head("/auth/provider/company").status_code == 200

    assert page.form["to"].value == "/personal"
    assert 'content="0; url=https://issuer.invalid/' in page.form.submit().text


@pytest.mark.sec("COOKIE-04")
def test_many_tabs_grow_no_cookie(browser: Any) -> None:
    """Ten logins begun in ten tabs are kept in the table, and each can be finished."""
    states = [begin(browser) for _ in range(10)]

    assert sum(len(value) for value in browser.cookies.values()) < 200
    assert browser.get(CALLBACK, {"state": states[0], "code": "c"}).status_code == 303


def test_logout_of_a_provider_ends_the_session(browser: Any) -> None:
    """Posted to, it logs out; visited, it shows where one stands."""
    state = begin(browser)
    browser.get(CALLBACK, {"state": state, "code": "c"})
    assert browser.get("/auth/provider/company/logout").location == "https://app.example.org/auth/logout"
    token = browser.get("/auth/logout").form["csrf_token"].value

    browser.post("/auth/provider/company/logout", {"csrf_token": token, "to": "/open"}, status=303)
    assert "nobody" in browser.get("/").text


@dataclass(frozen=True, kw_only=True)
class Extended(KnownIssuer):
    """An issuer with endpoints of its own."""

    def routes(self) -> Mapping[str, Handler]:
        """One for each kind of answer."""

        def echo(callback: Callback, client: Client) -> Answer:
            body = f"{callback.method} {callback.url} {dict(callback.params)}"
            return Answer(202, body, "text/plain", {"X-Own": "yes"})

        return {
            "echo": echo,
            "away": lambda callback, client: Redirect("https://id.example.com/"),
            "here": lambda callback, client: Redirect("/auth/login"),
            "refused": lambda callback, client: Refused("invalid_token"),
            "down": lambda callback, client: Unavailable(self.name),
        }


@pytest.mark.parametrize(
    ("endpoint", "status", "text"),
    [
        ("away", 200, "https://id.example.com/"),
        ("here", 303, ""),
        ("refused", 400, "The request was refused."),
        ("down", 503, "be reached right now"),
    ],
)
def test_endpoints_answer_by_outcome(make: Any, endpoint: str, status: int, text: str) -> None:
    """A provider's endpoint returns an outcome, and the web makes a response of it."""
    assert text in make(Extended(name="company")).get(f"/auth/provider/company/{endpoint}", status=status).text


def test_endpoints_are_handed_what_was_sent(make: Any) -> None:
    """Parameters, method and address, and the provider's own status, type and headers come back."""
    browser = make(Extended(name="company"))
    url = "https://app.example.org/auth/provider/company/echo"

    assert browser.get("/auth/provider/company/echo?a=b").text == f"GET {url} {{'a': 'b'}}"
    response = browser.post("/auth/provider/company/echo?q=1", {"c": "d"}, status=202)
    assert response.text == f"POST {url} {{'c': 'd'}}"
    assert response.headers["X-Own"] == "yes"
    browser.get("/auth/provider/company/echo?a=b&a=c", status=400)
