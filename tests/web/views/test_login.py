from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.database import Database
from onegov_auth.models import LoginTransaction, User
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

PASSWORD = "correct horse battery staple"


class Primary(ProviderSettings):
    """With the key of issuers that are gone to at once."""

    primary: bool = True


class AutoLogin(ProviderSettings):
    """With the other key of that effect."""

    auto_login: bool = True


@pytest.fixture(name="ann")
def _ann(add_user: Callable[..., User]) -> User:
    return add_user("ann@example.org")


def test_person_logs_in(browser: Any, ann: User, app: Any) -> None:
    """With name and password, and lands where they wanted to go, logged in until the browser is closed."""
    response = browser.log_in("ann@example.org", to="/personal")

    assert response.status_code == 303
    assert response.location == "https://app.example.org/personal"
    assert "Max-Age" not in response.headers["Set-Cookie"]
    assert response.follow().text == "Hello ann@example.org"


def test_staying_logged_in_is_a_choice(browser: Any, ann: User) -> None:
    """With the box ticked, the cookie outlives the browser."""
    response = browser.log_in("ann@example.org", remember="y")

    assert f"; Max-Age={30 * 86400};" in response.headers["Set-Cookie"]


@pytest.mark.sec("ENUM-01", "ENUM-02", "ASVS-6.3.8")
def test_every_refusal_is_the_same(
    browser: Any, make_browser: Any, ann: User, add_user: Any, app: Any, shut_out: Any
) -> None:
    """Unknown, wrong, inactive or without a password: the same page in the same words, with the same headers."""
    off, without = add_user("off@example.org"), add_user("none@example.org")
    with app.auth.database.unit() as db:
        shut_out(db.get_one(User, off.id))
        db.get_one(User, without.id).password_hash = ""
    seen = set()
    for name, password in (
        ("nobody@example.org", "x" * 20),
        ("ann@example.org", "x" * 20),
        ("off@example.org", PASSWORD),
        ("none@example.org", PASSWORD),
        ("ann@example.org\x00", PASSWORD),
        ("ann@example.org", "\x00" + PASSWORD),
    ):
        visitor = make_browser(app)
        page = visitor.log_in(name, password)
        token = page.form["csrf_token"].value
        text = page.text.replace(token, "").replace(f'value="{page.form["username"].value}"', "")
        headers = tuple((k, v) for k, v in page.headers.items() if k != "Content-Length")
        seen.add((page.status_code, text.replace(name, ""), headers, tuple(sorted(visitor.cookies))))

    assert len(seen) == 1
    assert next(iter(seen))[0] == 200


def test_somebody_who_types_too_much_waits(browser: Any, ann: User) -> None:
    """After the limit the page says for how long, for known and unknown names alike."""
    for name in ("ann@example.org", "nobody@example.org"):
        for _ in range(15):
            browser.log_in(name, "wrong")
        page = browser.log_in(name, PASSWORD)
        assert page.status_code == 429
        assert "Too many attempts" in page.text


@pytest.mark.sec("SESS-01", "SESS-02", "ASVS-7.2.4")
def test_login_makes_a_new_session(browser: Any, make_browser: Any, ann: User, app: Any) -> None:
    """A value planted before the login is not adopted, and logging in again ends the session before."""
    page = browser.get("/auth/login")
    fields = {**dict(page.form.submit_fields()), "username": "ann@example.org", "password": PASSWORD}
    planted = f"{app.cookies.session}={'A' * 43}"
    known = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    # The planted session is what the form is bound to, so that not even the form gets through.
    browser.post("/auth/login", fields, headers={"Cookie": f"{known}; {planted}"}, status=403)

    browser.log_in("ann@example.org")
    first = browser.cookies[app.cookies.session]

    browser.log_in("ann@example.org")
    second = browser.cookies[app.cookies.session]
    old = make_browser(app).get("/", headers={"Cookie": f"{app.cookies.session}={first}"})
    assert first != second
    assert "nobody" in old.text


@pytest.mark.sec("REDIR-01", "REDIR-08", "REDIR-09", "REDIR-11")
@pytest.mark.parametrize(
    ("to", "location"),
    [
        ("https://evil.example/open", "/open"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/open\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("/" + "a" * 100_000, "/"),
        ("/open?a=b#c", "/open?a=b#c"),
    ],
    ids=lambda value: value[:30],
)
def test_login_leads_to_this_site_only(browser: Any, ann: User, to: str, location: str) -> None:
    """Whatever the page or the form is told, the login ends on this site."""
    page = browser.get("/auth/login", {"to": to} if len(to) < 1000 else {})
    page.form["username"], page.form["password"] = "ann@example.org", PASSWORD
    page.form["to"].force_value(to)

    response = page.form.submit()
    assert response.location == f"https://app.example.org{location}"


def test_login_is_skipped_for_who_may_go_there(browser: Any, ann: User) -> None:
    """With skip, somebody who may see the page already goes there at once; everybody else logs in."""
    assert browser.get("/auth/login?skip=1&to=/personal").status_code == 200
    browser.log_in("ann@example.org")

    assert browser.get("/auth/login?skip=1&to=/personal").location == "https://app.example.org/personal"
    assert browser.get("/auth/login?skip=1&to=/secret").status_code == 200
    assert browser.get("/auth/login?to=/personal").status_code == 200


def test_head_answers_like_get(browser: Any) -> None:
    """Without a body."""
    assert browser.head("/auth/login").body == b""


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_long_password_is_an_ordinary_refusal(browser: Any, ann: User, size: int) -> None:
    """What is too long to be a password is a wrong one, at no greater cost."""
    page = browser.log_in("ann@example.org", "x" * size)

    assert page.status_code == 200
    assert "check your username and password" in page.text


@pytest.mark.sec("ASVS-16.5.2")
def test_directory_down_keeps_local_people_in(make_app: Any, make_browser: Any, ann: User) -> None:
    """Local users log in at once; a directory user is told that nobody could ask."""
    browser = make_browser(make_app(KnownPeople(name="staff", down={"x"})))

    page = browser.log_in("somebody@example.org")
    assert page.status_code == 503
    assert "Local accounts still work." in page.text
    assert browser.log_in("ann@example.org").status_code == 303


def test_directory_user_logs_in(make_app: Any, make_browser: Any) -> None:
    """Somebody of the directory becomes a user and is in."""
    settings = ProviderSettings(kind="known-people", roles={"member": ("*",)})
    bob = person("staff", "1", "bob", groups=frozenset({"x"}), realname="Bob")
    browser = make_browser(make_app(KnownPeople(name="staff", settings=settings, people={"bob": ("secret", bob)})))

    assert browser.log_in("bob", "secret", to="/personal").follow().text == "Hello Bob"


@pytest.mark.parametrize("settings", [Primary(kind="known-issuer"), AutoLogin(kind="known-issuer")])
def test_primary_issuer_is_gone_to_at_once(make_app: Any, make_browser: Any, settings: ProviderSettings) -> None:
    """The login page goes on to the issuer by a page; with ``local`` it stays, as it does for who only looks ahead."""
    app = make_app(KnownIssuer(name="company", settings=settings))
    browser = make_browser(app)

    assert 'content="0; url=https://issuer.invalid/authorize?' in browser.get("/auth/login?to=/personal").text
    for path, headers in (("?local=1", {}), ("?link=x", {}), ("", {"Sec-Purpose": "prefetch"})):
        assert "refresh" not in browser.get(f"/auth/login{path}", headers=headers).text
    assert browser.head("/auth/login").headers["Content-Type"]


def test_a_link_somebody_clicked_elsewhere_goes_on(make_app: Any, make_browser: Any) -> None:
    """A person who follows a link in a mail or intranet page gets to the primary provider at once."""
    settings = Primary(kind="known-issuer", roles={"member": ("*",)})
    browser = make_browser(make_app(KnownIssuer(name="company", settings=settings)))
    clicked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document", "Sec-Fetch-User": "?1"}

    assert "refresh" in browser.get("/auth/login?to=/personal", headers=clicked).text


@pytest.mark.sec("COOKIE-04")
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image", "Sec-Fetch-User": "?1"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "empty"},
    ],
)
def test_other_sites_begin_no_login(
    make_app: Any, make_browser: Any, database: Database, headers: dict[str, str]
) -> None:
    """Ten visits that another site causes push no login out: they show the button, and keep nothing."""
    settings = Primary(kind="known-issuer", roles={"member": ("*",)})
    ann = person("company", "1", "ann@example.org", groups=frozenset({"x"}))
    browser = make_browser(make_app(KnownIssuer(name="company", settings=settings, people={"c": ann})))
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}
    going = browser.get("/auth/login?to=/personal", headers=own)
    state = going.text.partition("state=")[2].partition("&")[0]

    for _ in range(10):
        page = browser.get("/auth/login?to=/personal", headers=headers)
        assert "refresh" not in page.text
        assert page.forms[1].action == "/auth/provider/company"
    with database.read() as db:
        assert db.query(LoginTransaction).count() == 1
    browser.get("/auth/provider/company/callback", {"state": state, "code": "c"}, status=303)


def test_primary_issuer_that_is_down_leaves_the_form(make_app: Any, make_browser: Any, ann: User) -> None:
    """Whoever has a local account gets in all the same."""
    browser = make_browser(make_app(KnownIssuer(name="company", settings=Primary(kind="x"), down={"x"})))

    page = browser.get("/auth/login?to=/personal", status=503)
    assert "login service can&#39;t be reached" in page.text
    page.forms[0]["username"], page.forms[0]["password"] = "ann@example.org", PASSWORD
    assert page.forms[0].submit().location == "https://app.example.org/personal"


@pytest.mark.sec("LINK-09", "LINK-10")
def test_pending_link_is_confirmed_by_the_local_password(
    make_app: Any, make_browser: Any, ann: User, database: Database
) -> None:
    """Who comes by an issuer with the name of a local account proves that account, and both belong together."""
    settings = ProviderSettings(kind="known-issuer", roles={"member": ("*",)}, link="prove")
    twin = person("company", "77", "ann@example.org", groups=frozenset({"x"}))
    browser = make_browser(make_app(KnownIssuer(name="company", settings=settings, people={"c": twin})))

    going = browser.get("/auth/login?to=/personal").forms[1].submit()
    state = going.text.partition("state=")[2].partition("&")[0]
    page = browser.get("/auth/provider/company/callback", {"state": state, "code": "c"}).follow()
    assert page.form["link"].value
    page.form["username"], page.form["password"] = "ann@example.org", PASSWORD
    assert page.form.submit().location == "https://app.example.org/personal"

    with database.read() as db:
        linked = db.get_one(User, ann.id)
        assert (linked.source, linked.source_id) == ("company", "77")
