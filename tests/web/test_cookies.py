from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.web.cookies import MAX_SIZE, CookieJar, read_cookie


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("auth=x", "x"),
        ("a=1; auth=x; b=2", "x"),
        ("a=1;auth=x", "x"),
        ("auth=", ""),
        ("auth-browser=x", None),
        ("xauth=x", None),
        ("a=auth=x", None),
        ("", None),
        (None, None),
    ],
)
def test_cookie_is_found_by_its_whole_name(header: str | None, value: str | None) -> None:
    """A name that only begins or ends like ours is another cookie."""
    assert read_cookie(header, "auth") == value


@pytest.mark.sec("COOKIE-03")
@pytest.mark.parametrize("header", ["auth=x; auth=y", "auth=x; auth=x", "auth=x; a=1; auth=y"])
def test_two_of_one_name_are_none(header: str) -> None:
    """A cookie that was tossed in beside ours makes both void."""
    assert read_cookie(header, "auth") is None


#: Mostly what Python's own strip() takes for white space, and a browser for a part of the name.
ODD = [
    "\xa0",
    "\x85",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x1f",
    "\xc2\xa0",
    "\xe2\x80\x80",
    "\x00",
    "\x7f",
    "\xe9",
]


@pytest.mark.sec("COOKIE-03")
@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_odd_characters_make_no_cookie_of_ours(odd: str) -> None:
    """A name with more than ours in it, before, within or after, is never read, and voids the one it imitates."""
    for imitated in (f"{odd}auth", f"auth{odd}", f"{odd}auth{odd}", f"au{odd}th", f" {odd} auth"):
        for header in (f"{imitated}=x", f"a=1; {imitated}=x", f"{imitated}=x; auth=y", f"auth=y; {imitated}=x"):
            assert read_cookie(header, "auth") is None, ascii(header)


@pytest.mark.parametrize(
    "other", ["n=\xa0", "\xa0n=1", "n=auth\xa0", "\xa0auth-browser=1", "n=\x1f", "\xa0", "\t"], ids=ascii
)
def test_odd_cookies_of_others_do_no_harm(other: str) -> None:
    """What the application's other cookies look like changes nothing about ours."""
    assert read_cookie(f"{other}; auth=x", "auth") == "x"
    assert read_cookie(f"auth=x;\t{other}", "auth") == "x"


@pytest.mark.sec("COOKIE-01", "ASVS-3.3.1", "ASVS-3.3.2", "ASVS-3.3.3", "ASVS-3.3.4")
def test_secure_cookies_have_every_protection() -> None:
    """Each of ours has the prefix and the attributes that it demands, and no domain."""
    jar = CookieJar.named("__Host-auth", secure=True)

    for name in (jar.session, jar.browser, jar.flash):
        assert name.startswith("__Host-auth")
        assert jar.header(name, "x") == f"{name}=x; Path=/; HttpOnly; SameSite=Lax; Secure"


@pytest.mark.sec("COOKIE-02")
def test_plain_cookies_have_another_name() -> None:
    """Without TLS the name has no prefix, so that neither is ever taken for the other."""
    jar = CookieJar.named("auth", secure=False)

    assert jar.session == "auth"
    assert jar.header(jar.session, "x", 60) == "auth=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"


def test_forgetting_ends_the_cookie() -> None:
    """A cookie is deleted with the attributes it was set with."""
    assert CookieJar.named("auth", secure=True).forget("__Host-auth") == (
        "__Host-auth=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    )


@pytest.mark.sec("COOKIE-04", "ASVS-3.3.5", "ASVS-1.2.1")
@pytest.mark.parametrize("value", ["a;b", "a b", "a\r\nb", '"', "ä", "x" * MAX_SIZE])
def test_unfit_values_are_refused(value: str) -> None:
    """What would break out of the header, or what a browser drops, is not written."""
    with pytest.raises(ValueError, match="can't be kept"):
        CookieJar.named("auth", secure=True).header("auth", value)


@pytest.mark.sec("COOKIE-01", "COOKIE-04")
def test_every_cookie_of_a_login_is_protected(browser: Any, add_user: Callable[..., Any]) -> None:
    """From the first page to the logout, no response sets a cookie without its protection."""
    add_user("ann@example.org")
    page = browser.get("/auth/login")
    inside = browser.log_in("ann@example.org")
    outside = browser.log_out()

    headers = [header for response in (page, inside, outside) for header in response.headers.getall("Set-Cookie")]
    assert len(headers) == 5
    for header in headers:
        assert header.startswith("__Host-main-app-auth")
        assert header.endswith("; HttpOnly; SameSite=Lax; Secure")
        assert "; Path=/;" in header
        assert "domain" not in header.lower()
        assert len(header) < MAX_SIZE


@pytest.mark.sec("COOKIE-03")
def test_tossed_session_cookie_logs_nobody_in(browser: Any, app: Any, add_user: Callable[..., Any]) -> None:
    """Of two session cookies, one of them good, neither counts."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")
    token = browser.cookies[app.cookies.session]
    browser.reset()

    good = {"Cookie": f"{app.cookies.session}={token}"}
    assert "ann@example.org" in browser.get("/", headers=good).text
    two = {"Cookie": f"{app.cookies.session}=x; {app.cookies.session}={token}"}
    assert "nobody" in browser.get("/", headers=two).text


@pytest.mark.sec("COOKIE-03", "SESS-02")
@pytest.mark.parametrize("odd", ["\xa0", "\x85", "\x0b", "\x1c", "\x1f"], ids=ascii)
def test_planted_session_is_not_adopted(browser: Any, app: Any, add_user: Callable[..., Any], odd: str) -> None:
    """A good session under a name that a sibling host may set logs nobody in, and no form is bound to it."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")
    name, token = app.cookies.session, browser.cookies[app.cookies.session]
    browser.reset()

    for imitated in (f"{odd}{name}", f"{name}{odd}"):
        assert "nobody" in browser.get("/", headers={"Cookie": f"{imitated}={token}"}).text
        assert "nobody" in browser.get("/", headers={"Cookie": f"{name}={token}; {imitated}=x"}).text
        page = browser.get("/auth/login", headers={"Cookie": f"{odd}{app.cookies.browser}={'A' * 43}"})
        assert app.cookies.browser in page.headers["Set-Cookie"]
        browser.reset()
