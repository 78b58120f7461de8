from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import ProviderSettings, Redirect
from onegov_auth.testing.providers import KnownIssuer, person

PASSWORD = "correct horse battery staple"


def test_login_to_gives_the_redirect_or_nothing(
    ask: Callable[..., Any], add_user: Callable[..., Any], app: Any
) -> None:
    """Right credentials lead on with a session cookie; wrong ones give None, as in the first seed."""
    add_user("ann@example.org")

    def log_in(password: str) -> Callable[[Any], Any]:
        return lambda r: r.auth.from_request(to="/personal").login_to("ann@example.org", password, remember=True)

    response = ask(log_in(PASSWORD))
    assert response.location == "https://app.example.org/personal"
    assert response.completed_login is True
    assert f"; Max-Age={30 * 86400};" in response.headers["Set-Cookie"]
    assert ask(log_in("wrong")) is None


def test_login_to_leads_to_a_missing_factor(make_app: Any, make_browser: Any, add_user: Any) -> None:
    """Who has to set a second factor up first is led there, as by the first seed's method."""
    add_user("ann@example.org")
    app = make_app(second_factors={"totp": {}, "required_for": ["member"]})
    app.question = lambda r: r.auth.login_to("ann@example.org", PASSWORD)
    make_browser(app).get("/ask")

    assert "/auth/second-factor?transaction=" in app.answer.location
    assert not hasattr(app.answer, "completed_login")


def test_identity_is_fresh_after_the_login(ask: Callable[..., Any], add_user: Callable[..., Any]) -> None:
    """In the request that logs somebody in, they are logged in from then on."""
    add_user("ann@example.org")

    def log_in(request: Any) -> list[Any]:
        before = [request.identity.userid, request.current_user, request.csrf_token]
        request.auth.login_to("ann@example.org", PASSWORD)
        request.assert_valid_csrf_token(request.csrf_token)
        return [*before[:2], request.identity.userid, request.current_user.username, before[2] == request.csrf_token]

    assert ask(log_in) == [None, None, "ann@example.org", "ann@example.org", False]


def test_only_local_accounts_may_be_asked_for(ask: Callable[..., Any], add_user: Callable[..., Any], app: Any) -> None:
    """With skip_providers nobody but our own tables is asked."""
    add_user("ann@example.org")

    response = ask(lambda r: r.auth.login_to("ann@example.org", PASSWORD, skip_providers=True))

    assert response.location == "https://app.example.org/"


def test_complete_login_takes_an_outcome(ask: Callable[..., Any], add_user: Callable[..., Any], app: Any) -> None:
    """A door of the application's own ends like all others."""
    add_user("ann@example.org")

    response = ask(
        lambda r: r.auth.complete_login(r.auth.core.login("ann@example.org", PASSWORD, r.client, to="/open"))
    )

    assert response.location == "https://app.example.org/open"


@pytest.mark.parametrize(
    ("to", "skip", "skippable"),
    [
        ("/personal", True, True),
        ("/personal", False, False),
        ("/", True, False),
        ("/secret", True, False),
        ("/nothing", True, False),
        ("https://elsewhere.example/personal", True, True),
    ],
)
def test_login_can_be_skipped(
    ask: Callable[..., Any], browser: Any, add_user: Callable[..., Any], to: str, skip: bool, skippable: bool
) -> None:
    """Only who asked for it, wants to go somewhere and may go there skips the login."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    assert ask(lambda r: r.auth.from_request(to, skip=skip).skippable(), browser) is skippable


@pytest.mark.sec("REDIR-08")
def test_hook_is_told_a_reduced_path(ask: Callable[..., Any], add_user: Callable[..., Any], app: Any) -> None:
    """Where an outcome leads is reduced once more before anybody else hears of it."""
    add_user("ann@example.org")
    told: list[str] = []
    app.redirect_after_login = lambda identity, request, default: told.append(default)

    ask(
        lambda r: r.auth.complete_login(r.auth.core.login("ann@example.org", PASSWORD, r.client, to="//evil.example/x"))
    )

    assert told == ["/x"]


@pytest.mark.sec("REDIR-08")
def test_to_is_reduced_at_once_and_again(ask: Callable[..., Any]) -> None:
    """Where to go is a path on this site when it is given, and when it is used."""
    assert ask(lambda r: r.auth.from_request("https://evil.example/x").to) == "/x"
    assert ask(lambda r: r.auth.redirect("//evil.example/y").location) == "https://app.example.org/y"
    assert ask(lambda r: r.auth.from_request("/z").redirect().location) == "https://app.example.org/z"


def test_from_request_path_comes_back_here(ask: Callable[..., Any]) -> None:
    """The page of the request is where the login leads back to."""
    auth = ask(lambda r: r.auth.from_request_path(skip=True, signup_token="t"), params={"a": "b"})

    assert (auth.to, auth.skip, auth.signup_token) == ("/ask?a=b", True, "t")


def test_logout_ends_the_session(ask: Callable[..., Any], browser: Any, add_user: Callable[..., Any], app: Any) -> None:
    """After it nobody is logged in, in this request already, and the row is gone."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    def log_out(request: Any) -> list[Any]:
        response = request.auth.logout_to("/open")
        with app.auth.database.read() as db:
            count = len(app.auth.sessions.list(db, app.auth.users(db).by_username("ann@example.org").id))
        return [response.location, request.is_logged_in, request.current_user, count]

    assert ask(log_out, browser) == ["https://app.example.org/open", False, None, 0]


def test_logout_of_nobody_goes_on(ask: Callable[..., Any]) -> None:
    """Who is not logged in is sent on all the same."""
    assert ask(lambda r: r.auth.logout_to().location) == "https://app.example.org/"


@pytest.mark.sec("SESS-07")
def test_logout_of_a_session_that_just_ended_goes_on(
    ask: Callable[..., Any], browser: Any, add_user: Callable[..., Any], app: Any
) -> None:
    """Two tabs that log out at once both arrive."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    def log_out(request: Any) -> Any:
        with app.auth.database.unit() as db:
            app.auth.sessions.end(db, request.identity.session_id)
        return request.auth.logout_to("/open").location

    assert ask(log_out, browser) == "https://app.example.org/open"


@pytest.mark.sec("SESS-09")
def test_next_person_finds_nothing_of_the_last(
    ask: Callable[..., Any], browser: Any, add_user: Callable[..., Any], app: Any
) -> None:
    """Messages, browser value and session of the first person are gone when the second logs in."""
    add_user("ann@example.org")
    add_user("bob@example.org")
    browser.log_in("ann@example.org")
    page = browser.get("/auth/logout")
    ask(lambda r: r.info("for Ann only"), browser)
    first = dict(browser.cookies)
    page.form.submit()
    assert "for Ann only" not in browser.get("/auth/login").text
    browser.log_in("bob@example.org")

    assert not set(first.values()) & set(browser.cookies.values())


class LeavingIssuer(KnownIssuer):
    """An issuer that ends its own session as well."""

    def logout(self, session: Any, back_to: str, state: str = "") -> Redirect:
        """Go there."""
        return Redirect(f"https://issuer.invalid/logout?back={back_to}&state={state}")


def test_logout_goes_by_the_provider(make_app: Any, make_browser: Any) -> None:
    """Somebody who came by a provider is taken there to end its session, by a page and not a redirect."""
    ann = person("company", "1", "ann@example.org", groups=frozenset({"x"}))
    settings = ProviderSettings(kind="known-issuer", roles={"member": ("*",)})
    browser = make_browser(make_app(LeavingIssuer(name="company", settings=settings, people={"c": ann})))
    going = browser.get("/auth/login").forms[1].submit()
    state = going.text.partition("state=")[2].partition("&")[0]
    browser.get("/auth/provider/company/callback", {"state": state, "code": "c"}, status=303)

    response = browser.log_out()

    assert response.status_code == 200
    back = "https://app.example.org/auth/provider/company/logout"
    assert f"https://issuer.invalid/logout?back={back}&amp;state=ey" in response.text
    assert response.headers["Clear-Site-Data"] == '"cache"'
    assert "nobody" in browser.get("/").text
