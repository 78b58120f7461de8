"""What others call below a provider's address: its own logout's way back, its endpoints, a login somebody asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client, SessionInfo, Transaction, VerifiedIdentity
from onegov_auth.models import LoginTransaction
from onegov_auth.outcomes import Redirect, Refused, Start, Unavailable
from onegov_auth.providers import Answer, Handler, ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, person

ADDRESS = "/auth/provider/company"
SETTINGS = ProviderSettings(kind="known-issuer", roles={"member": ("*",)})
ANN = person("company", "1", "ann@example.org", groups=frozenset({"x"}), realname="Ann")


class Called(KnownIssuer):
    """An issuer that calls here."""

    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """With the hint in the address."""
        redirect = super().start(transaction)
        assert isinstance(redirect, Redirect)
        return Redirect(f"{redirect.url}&hint={transaction.hints.get('login_hint', '')}", redirect.remember)

    def logout(self, session: SessionInfo, back_to: str, state: str = "") -> Redirect:
        """The browser brings the state back."""
        return Redirect(f"{back_to}?state={state}")

    def routes(self) -> Mapping[str, Handler]:
        """One for each kind of answer that matters."""

        def frame(_callback: Callback, client: Client) -> Answer:
            assert client.browser is None
            policy = {"Content-Security-Policy": "default-src 'none'; frame-ancestors https://id.example.org"}
            return Answer(200, "framed", "text/html", policy)

        def initiate(callback: Callback, _client: Client) -> Start | Refused:
            if callback.params.get("iss") != "https://id.example.org":
                return Refused("unknown_issuer")
            return Start(callback.params.get("target_link_uri", "/"), {"login_hint": "ann"})

        return {"frontchannel-logout": frame, "initiate": initiate}


@pytest.fixture(name="browser")
def _browser(make_app: Any, make_browser: Any) -> Any:
    return make_browser(make_app(Called(name="company", settings=SETTINGS, people={"c": ANN})))


def log_in(browser: Any) -> None:
    page = browser.get("/auth/login?to=/personal").forms[1].submit()
    come_back(browser, page)


def come_back(browser: Any, page: Any) -> Any:
    state = page.text.partition("state=")[2].partition("&")[0]
    return browser.get(f"{ADDRESS}/callback", {"state": state, "code": "c"}, status=303)


def log_out(browser: Any, to: str) -> str:
    """Log out; the address by which the provider sends the browser back."""
    form = browser.get("/auth/logout", {"to": to}).forms[0]
    going = form.submit()
    [address] = [link["href"] for link in going.html.find_all("a") if "?state=" in link["href"]]
    return str(address.removeprefix("https://app.example.org"))


@pytest.mark.sec("OIDC-44", "SESS-03")
def test_the_way_back_from_a_logout(browser: Any) -> None:
    """Out here first, then there, then to where the person wanted to go."""
    log_in(browser)
    back = log_out(browser, "/open?a=b")

    assert "nobody" in browser.get("/").text
    assert browser.get(back).location == "https://app.example.org/open?a=b"


@pytest.mark.sec("OIDC-45", "OIDC-46", "REDIR-01", "REDIR-02")
@pytest.mark.parametrize("query", ["", "?state=", "?state=another", "?state=//evil.example", "?state=a&x=y", "?to=/x"])
def test_another_way_back_is_calm(browser: Any, query: str) -> None:
    """With another state or none: a page that says one is logged out, nobody is in, and nothing leads elsewhere."""
    log_in(browser)
    log_out(browser, "/open")
    page = browser.get(f"{ADDRESS}/logout{query}").maybe_follow()

    assert page.status_code == 200
    assert page.request.path == "/auth/logout"
    assert "You are logged out." in page.text
    assert "evil" not in page.text


@pytest.mark.sec("CSRF-03")
def test_the_way_back_logs_nobody_out(browser: Any) -> None:
    """Who is logged in and visits the address, by whatever site's hand, is asked."""
    log_in(browser)
    assert "Do you want to log out?" in browser.get(f"{ADDRESS}/logout?state=x").follow().text
    assert browser.get("/personal").text == "Hello Ann"


@pytest.mark.sec("OIDC-55")
def test_a_frame_of_the_provider(browser: Any) -> None:
    """An answer that says who may frame it is framed by them; no cookie is set for whoever calls."""
    for answer in (browser.get(f"{ADDRESS}/frontchannel-logout"), browser.post(f"{ADDRESS}/frontchannel-logout")):
        assert "frame-ancestors https://id.example.org" in answer.headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert browser.get("/auth/login").headers["X-Frame-Options"] == "DENY"


GOOD = {"iss": "https://id.example.org", "target_link_uri": "https://app.example.org/personal"}


@pytest.mark.sec("OIDC-43")
def test_somebody_else_asks_for_a_login(browser: Any) -> None:
    """The browser goes on to the provider with the hint, and ends up where it was sent."""
    page = browser.get(f"{ADDRESS}/initiate", GOOD)

    assert 'content="0; url=https://issuer.invalid/authorize?' in page.text
    assert "hint=ann" in page.text
    assert come_back(browser, page).location == "https://app.example.org/personal"


def test_a_form_of_another_site_asks_for_a_login(browser: Any, database: Database) -> None:
    """Its cookies are absent, so it becomes an address first; what the browser is at goes on."""
    at = browser.get("/auth/login?to=/open").forms[1].submit()
    cookies, browser.cookiejar = browser.cookiejar, type(browser.cookiejar)()
    answer = browser.post(f"{ADDRESS}/initiate", GOOD, headers={"Origin": "https://id.example.org"}, status=303)
    browser.cookiejar = cookies

    assert "Set-Cookie" not in answer.headers
    assert parse_qs(urlsplit(answer.location).query) == {name: [value] for name, value in GOOD.items()}
    assert "issuer.invalid" in answer.follow().text
    assert come_back(browser, at).location == "https://app.example.org/open"


@pytest.mark.sec("OIDCX-34", "REDIR-01")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/personal",
        "//evil.example/personal",
        "https://app.example.org.evil.example/personal",
        "https://app.example.org@evil.example/personal",
        "javascript:alert(1)",
        "http://app.example.org/personal",
        "",
    ],
)
def test_a_target_of_another_site_is_none(browser: Any, target: str) -> None:
    """Who is sent to another site's page ends up on the front page."""
    page = browser.get(f"{ADDRESS}/initiate", {**GOOD, "target_link_uri": target})
    assert come_back(browser, page).location == "https://app.example.org/"


@pytest.mark.sec("OIDCX-34")
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_issuer_begins_nothing(browser: Any, method: str, database: Database) -> None:
    """400, and nothing is begun or kept."""
    answer = getattr(browser, method)(f"{ADDRESS}/initiate", {"iss": "https://id.example.org/"}, status=400)

    assert "Set-Cookie" not in answer.headers
    with database.read() as db:
        assert db.query(LoginTransaction).count() == 0


@pytest.mark.sec("COOKIE-04", "ASVS-7.6.2")
def test_no_site_forces_a_login(browser: Any, database: Database) -> None:
    """Without a click, the person says by the provider's button that they want in; where they were sent is kept."""
    forced = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
    page = browser.get(f"{ADDRESS}/initiate", GOOD, headers=forced, status=303).follow()

    assert page.form["to"].value == "/personal"
    with database.read() as db:
        assert db.query(LoginTransaction).count() == 0
    assert come_back(browser, page.form.submit()).location == "https://app.example.org/personal"


class Refusing(KnownIssuer):
    """Hands on what its own page said."""

    def finish(self, callback: Callback, transaction: Transaction) -> VerifiedIdentity | Refused | Unavailable:
        """As an adapter does: an error is a code, and its description nobody's business."""
        error = callback.params["error"]
        return Unavailable(self.name, error) if error == "temporarily_unavailable" else Refused(error)


@pytest.mark.sec("OIDCX-31")
@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "The login was cancelled."),
        ("login_required", "You could not be logged in this way."),
        ("interaction_required", "You could not be logged in this way."),
        ("server_went_mad", "You could not be logged in this way."),
        ("temporarily_unavailable", "The login service can&#39;t be reached right now."),
    ],
)
def test_an_error_has_a_way_back(make_app: Any, make_browser: Any, error: str, words: str) -> None:
    """A sentence of ours on the login page, all other ways in, and where the person wanted to go; nothing of theirs."""
    browser = make_browser(make_app(Refusing(name="company", settings=SETTINGS)))
    going = browser.get("/auth/login?to=/personal").forms[1].submit()
    state = going.text.partition("state=")[2].partition("&")[0]
    brought = {
        "state": state,
        "error": error,
        "error_description": "<b>Call 555</b>",
        "error_uri": "https://evil.example",
    }
    back = browser.get(f"{ADDRESS}/callback", brought, status=303)

    assert back.location == "https://app.example.org/auth/login?to=%2Fpersonal&local=1"
    page = back.follow()
    assert words in page.text
    assert not {word for word in ("555", "evil", error) if word in page.text}
    assert page.forms[1]["to"].value == "/personal"
