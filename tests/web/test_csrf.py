from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dectate
import pytest

from onegov_auth.testing.providers import KnownIssuer
from onegov_auth.web import AuthPages
from onegov_auth.web.pages import Endpoint, ProviderCallback
from onegov_auth.web.views.token import TokenRevocation

#: Every view that a form is posted to, but for those with a proof of their own: state, the endpoint's own, a token.
FORMS = {
    "Login": "/auth/login",
    "Logout": "/auth/logout",
    "ProviderStart": "/auth/provider/company",
    "ProviderLogout": "/auth/provider/company/logout",
    "Registration": "/auth/register",
    "Resending": "/auth/resend",
    "Activation": "/auth/activate",
    "PasswordRequest": "/auth/request-password",
    "PasswordReset": "/auth/reset-password",
    "PendingStep": "/auth/step",
    "ChoosePassword": "/auth/choose-password",
    "Account": "/auth/account",
    "Confirmation": "/auth/account/confirm",
    "OwnPassword": "/auth/account/password",
    "OwnEmail": "/auth/account/email",
    "EmailConfirmation": "/auth/account/email/confirm",
    "EmailRevocation": "/auth/account/email/revoke",
    "OwnSessions": "/auth/account/sessions",
    "OwnIdentities": "/auth/account/identities",
    "OwnTokens": "/auth/account/tokens",
    "SignupLinks": "/auth/admin/signup-links",
    "FactorChoosing": "/auth/second-factor",
    "FactorAnswer": "/auth/second-factor/totp",
    "Passkey": "/auth/passkey",
    "FactorAdding": "/auth/account/factors/add/totp",
    "OwnFactor": "/auth/account/factors/00000000-0000-0000-0000-000000000000",
    "OwnCodes": "/auth/account/factors/codes",
    "Token": "/auth/token",
}
NOBODYS = "00000000-0000-0000-0000-000000000000"
#: The pages of lists and forms: where each kind is, and which there are.
CRUD = {"List": "", "Add": "/new", "Edit": f"/{NOBODYS}", "Delete": f"/{NOBODYS}/delete", "Do": f"/{NOBODYS}/do/it"}
ALL = ("List", "Add", "Edit", "Delete", "Do")
LISTS = {
    "Users": ("users", ALL),
    "Groups": ("groups", ALL),
    "Bundles": ("bundles", ALL),
    "Permissions": ("permissions", ("List", "Edit", "Do")),
    "Events": ("events", ("List", "Edit", "Do")),
    "Attempts": ("attempts", ("List",)),
    "OpenSessions": ("sessions", ("List",)),
}
FORMS |= {f"{name}{kind}": f"/auth/admin/{path}{CRUD[kind]}" for name, (path, kinds) in LISTS.items() for kind in kinds}
FACTORS = {"totp": {}, "recovery_codes": {}, "webauthn": {"passwordless": True}}
EXEMPT = {ProviderCallback.__name__, Endpoint.__name__, TokenRevocation.__name__}


@pytest.fixture(name="browser")
def _browser(make_app: Callable[..., Any], make_browser: Callable[..., Any], add_user: Callable[..., Any]) -> Any:
    add_user("ann@example.org", "admin")
    settings = {"second_factors": FACTORS, "tokens": {"jwt": {"enabled": True}}}
    return make_browser(make_app(KnownIssuer(name="company"), **settings))


def token(browser: Any) -> str:
    """A token from the page that everybody sees."""
    return str(browser.get("/auth/login").forms[0]["csrf_token"].value)


def credentials(browser: Any) -> dict[str, str]:
    """What a person types, with a token of this browser."""
    return {"username": "ann@example.org", "password": "correct horse battery staple", "csrf_token": token(browser)}


def test_list_of_forms_is_complete(app: Any) -> None:
    """No view that changes something is left out below."""
    app.commit()
    views = dectate.Query("view").attrs("model", "predicates")(AuthPages)
    methods = {(view["model"].__name__, view["predicates"].get("request_method", "GET")) for view in views}
    posted = {name for name, method in methods if method not in {"GET", "HEAD"}}

    assert posted == FORMS.keys() | EXEMPT


@pytest.mark.sec("CSRF-01", "CSRF-02", "CSRF-03", "ASVS-3.5.1")
@pytest.mark.parametrize("path", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("given", ["", "x", "x.y", "a.b.c", "ä.ö"])
def test_forms_without_our_token_are_refused(browser: Any, path: str, given: str) -> None:
    """A missing or made-up token gets a 403, and whoever is logged in stays so."""
    browser.log_in("ann@example.org")

    browser.post(path, {"csrf_token": given}, status=403)

    assert "ann@example.org" in browser.get("/").text


@pytest.mark.sec("CSRF-01", "CSRF-02")
@pytest.mark.parametrize("path", FORMS.values(), ids=FORMS)
def test_another_browsers_token_is_refused(browser: Any, make_browser: Callable[..., Any], path: str) -> None:
    """A token that an attacker got in his own browser does nothing in another one."""
    foreign = token(make_browser(browser.app))
    token(browser)
    if path.startswith(("/auth/account", "/auth/admin")) and "/email/" not in path:
        # There is nothing for strangers.
        browser.log_in("ann@example.org")

    browser.post(path, {"csrf_token": foreign}, status=403)


@pytest.mark.sec("CSRF-01", "CSRF-05")
def test_another_sessions_token_is_refused(browser: Any, make_browser: Callable[..., Any]) -> None:
    """Two people who are logged in can't use each other's tokens."""
    other = make_browser(browser.app)
    for visitor in (browser, other):
        visitor.log_in("ann@example.org")
    foreign = other.get("/auth/logout").forms[0]["csrf_token"].value

    browser.post("/auth/logout", {"csrf_token": foreign}, status=403)


@pytest.mark.sec("CSRF-02")
def test_nobody_is_logged_in_by_another_site(browser: Any) -> None:
    """Right credentials without a token log nobody in."""
    response = browser.post("/auth/login", credentials(browser) | {"csrf_token": ""}, status=403)

    assert "form you sent has expired" in response.text
    assert "nobody" in browser.get("/").text


@pytest.mark.sec("CSRF-05", "SESS-01")
def test_tokens_change_with_the_login(browser: Any) -> None:
    """A token from before the login is void after it, and one from the session after the logout."""
    before = token(browser)
    browser.log_in("ann@example.org")
    inside = browser.get("/auth/logout").forms[0]["csrf_token"].value

    browser.post("/auth/logout", {"csrf_token": before}, status=403)
    browser.log_out()
    browser.post("/auth/login", credentials(browser) | {"csrf_token": inside}, status=403)


@pytest.mark.sec("CSRF-05")
def test_every_token_is_different(browser: Any) -> None:
    """Two pages have two tokens, both good: compression can't reveal one by guessing."""
    first, second = token(browser), token(browser)

    assert first != second
    for good in (first, second):
        browser.post("/auth/login", credentials(browser) | {"csrf_token": good, "password": "wrong"}, status=200)


@pytest.mark.sec("CSRF-04")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Origin": "https://app.example.org"}, 303),
        ({"Origin": "HTTPS://APP.example.org"}, 303),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://app.example.org"}, 403),
        ({"Origin": "https://app.example.org:8443"}, 403),
        ({"Origin": "https://app.example.org.evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://app.example.org", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
    ids=str,
)
def test_what_a_browser_says_of_the_page_must_be_ours(browser: Any, headers: dict[str, str], status: int) -> None:
    """A right token from another site's page is refused all the same."""
    browser.post("/auth/login", credentials(browser), headers=headers, status=status)


@pytest.mark.sec("CSRF-06", "ASVS-3.5.2")
@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/octet-stream"])
def test_other_content_types_are_no_forms(browser: Any, content_type: str) -> None:
    """Fields count only in the two types of a form."""
    body = "&".join(f"{name}={value}" for name, value in credentials(browser).items())

    browser.post("/auth/login", body, content_type=content_type, status=403)


@pytest.mark.sec("CSRF-06", "ASVS-4.1.4")
def test_methods_are_not_overridden(browser: Any) -> None:
    """A GET stays a GET, whatever a header or a field says."""
    browser.log_in("ann@example.org")
    browser.get("/auth/logout", {"_method": "POST"}, headers={"X-HTTP-Method-Override": "POST"}, status=200)

    assert "ann@example.org" in browser.get("/").text
    browser.put("/auth/login", status=405)


@pytest.mark.sec("CSRF-03", "ASVS-3.5.3")
def test_get_changes_nothing(browser: Any) -> None:
    """To visit the logout page is not to log out."""
    browser.log_in("ann@example.org")
    browser.get("/auth/logout")
    browser.get("/auth/provider/company/logout", status=303)

    assert "ann@example.org" in browser.get("/").text


def test_header_and_query_carry_tokens_too(browser: Any) -> None:
    """Scripts send the token in a header, and links that a script posts have it in their query."""
    browser.log_in("ann@example.org")
    good = browser.get("/auth/logout").forms[0]["csrf_token"].value

    assert browser.post("/personal", headers={"X-CSRF-Token": good}).text == "posted"
    assert browser.post(f"/personal?csrf-token={good}").text == "posted"
    browser.post("/personal", headers={"X-CSRF-Token": "x"}, status=403)


def test_protected_urls_have_a_good_token(ask: Callable[..., Any], app: Any) -> None:
    """The token is appended to a query that is there, or begins one."""

    def check(request: Any) -> list[str]:
        urls = [request.csrf_protected_url("/a"), request.csrf_protected_url("/a?b=c")]
        for url in urls:
            request.assert_valid_csrf_token(url.partition("csrf-token=")[2])
        return [url.replace(request.csrf_token, "T") for url in urls]

    assert ask(check) == ["/a?csrf-token=T", "/a?b=c&csrf-token=T"]


@pytest.mark.sec("CSRF-07")
def test_bearer_requests_need_no_token_and_lose_their_cookies(browser: Any) -> None:
    """Whoever sends a bearer token is not who the cookie says."""
    browser.log_in("ann@example.org")

    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    browser.post("/auth/logout", headers={"Authorization": "Bearer x"}, status=401)
    assert "ann@example.org" in browser.get("/", headers=cookie).text
    response = browser.post("/personal", headers={**cookie, "Authorization": "Bearer x"}, status=401)
    assert response.json["error"] == "invalid_token"
    browser.get("/", headers={**cookie, "Authorization": "bearer x"}, status=401)
