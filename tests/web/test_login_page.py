from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from onegov_auth.database import Database
from onegov_auth.models import UserIdentity
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person


@dataclass(frozen=True, kw_only=True)
class Hinted(KnownPeople):
    """A directory with a hint."""

    @property
    def hint(self) -> str:
        """With emphasis."""
        return "Use your **staff** account"


@dataclass(frozen=True, kw_only=True)
class Buttoned(KnownIssuer):
    """An issuer with a text of its own."""

    @property
    def button(self) -> str:
        """With emphasis."""
        return "Log in with **Company**"


@dataclass(frozen=True, kw_only=True)
class Named(KnownIssuer):
    """An issuer whose button a test decides on."""

    text: str

    @property
    def button(self) -> str:
        """As the test says."""
        return self.text


def test_page_of_local_accounts_is_plain(browser: Any) -> None:
    """One form with the first seed's label, no buttons, no hints, no YubiKey."""
    page = browser.get("/auth/login?to=/personal")

    assert len(page.forms) == 1
    assert "E-Mail Address" in page.text
    assert "yubikey" not in page.text
    assert page.form["to"].value == "/personal"


def test_providers_show_their_hints_and_buttons(make_app: Any, make_browser: Any) -> None:
    """A directory's hint stands above the form, an issuer's button below it, posting to its own page."""
    browser = make_browser(make_app(Hinted(name="staff"), Buttoned(name="company")))
    page = browser.get("/auth/login?to=/personal")

    assert "Use your <strong>staff</strong> account" in page.text
    assert "Username or e-mail address" in page.text
    assert "Log in with <strong>Company</strong></button>" in page.text
    assert (page.forms[1].action, page.forms[1].method.lower()) == ("/auth/provider/company", "post")
    assert page.forms[1]["to"].value == "/personal"


def test_without_passwords_there_is_no_form(make_app: Any, make_browser: Any) -> None:
    """Where only issuers are configured, only their buttons are shown."""
    app = make_app()
    app.auth.providers = {"company": Buttoned(name="company")}
    page = make_browser(app).get("/auth/login")

    assert len(page.forms) == 1
    assert "password" not in page.form.fields


@pytest.fixture(name="linking")
def _linking(make_app: Any, make_browser: Any, add_user: Any) -> Callable[..., Any]:
    """The page that somebody with the name of a local account is led to, by an issuer or from a directory."""

    def linking(door: str = "company", email: str | None = None, button: str = "Log in with **Company**") -> Any:
        add_user("ann@example.org")
        settings = ProviderSettings(kind="x", roles={"member": ("*",)}, link="prove")
        twin = person(door, "77", "ann@example.org", email=email, groups=frozenset({"x"}))
        issuer = Named(name="company", settings=settings, people={"c": twin}, text=button)
        people = {"ann": ("secret", twin)}
        browser = make_browser(make_app(issuer, Hinted(name="staff", settings=settings, people=people)))
        if door == "staff":
            return browser.log_in("ann", "secret", to="/personal")
        going = browser.get("/auth/login?to=/personal").forms[1].submit()
        state = going.text.partition("state=")[2].partition("&")[0]
        return browser.get("/auth/provider/company/callback", {"state": state, "code": "c"}).follow()

    return linking


def words(page: Any) -> str:
    """What the page says, without its tags."""
    return " ".join(page.html.find("main").get_text().split())


@pytest.mark.sec("LINK-09")
@pytest.mark.parametrize(("door", "called"), [("company", "Company"), ("staff", "staff")])
def test_page_says_what_a_login_will_link(linking: Callable[..., Any], door: str, called: str) -> None:
    """By either door it names both accounts before anybody types a password, and fills in nothing."""
    page = linking(door, "ann.other@example.org")

    assert (
        f"Your {called} account ann.other@example.org will be able to log in as ann@example.org. "
        "If that is not you, do not go on."
    ) in words(page)
    assert (page.form["username"].value, page.form["password"].value) == ("", "")
    assert [button.text for button in page.html.find_all("button")] == ["Log in and link"]
    # The directory's hint would lead people to type the directory's password.
    assert "Use your" not in words(page)


@pytest.mark.sec("LINK-09")
def test_page_still_says_it_after_a_wrong_password(linking: Callable[..., Any]) -> None:
    """Whether the password was wrong or missing, the next try is for the same link, and the page says so."""
    page = linking()
    for password in ("wrong", ""):
        page.form["username"], page.form["password"] = "ann@example.org", password
        page = page.form.submit()
        assert "Your Company account ann@example.org will be able to log in as ann@example.org." in words(page)
        assert 'role="alert"' in page.text
    page.form["password"] = "correct horse battery staple"
    assert page.form.submit().location == "https://app.example.org/personal"


@pytest.mark.sec("LINK-09", "ASVS-1.2.1")
@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("<script>alert(1)</script>@x", "<script>alert(1)</script>@x"),
        ('"><b>{local}</b>@x', '"><b>{local}</b>@x'),
        ("a\u202e\u200bb\n@x", "a\ufffd\ufffdb\ufffd@x"),
        ("a" * 500, "a" * 254 + "…"),
    ],
    ids=["script", "markup", "hidden", "long"],
)
def test_names_of_a_provider_are_text(linking: Callable[..., Any], email: str, shown: str) -> None:
    """Whatever an issuer calls somebody is shown as it is, and apart from the sentence it stands in."""
    page = linking(email=email, button="Log in with **{username} <i>&**")

    assert [name.get_text() for name in page.html.select("strong > bdi")][:3] == [
        "{username} <i>&",
        shown,
        "ann@example.org",
    ]
    assert not page.html.select("main script, main b, main i")


def test_provider_without_emphasis_goes_by_its_name(linking: Callable[..., Any]) -> None:
    """Where the button has no name in bold letters, the configured one is used."""
    assert "Your company account" in words(linking(button="Log in"))


@pytest.mark.sec("LINK-09")
@pytest.mark.parametrize("case", ["unknown", "expired", "other browser"])
def test_link_that_is_none_is_told(
    linking: Callable[..., Any], make_browser: Any, clock: FakeClock, database: Database, case: str
) -> None:
    """The page says that it expired and shows all ways in; a password sent with it is not looked at or counted."""
    first = linking()
    browser, link = first.test_app, first.form["link"].value
    if case == "unknown":
        link = "abc"
    elif case == "expired":
        clock.advance(601)
    else:
        browser = make_browser(browser.app)

    page = browser.get("/auth/login", {"link": link, "to": "/personal"}, status=200)
    assert "The link has expired. Please begin again." in words(page)
    assert "link" not in page.forms[0].fields
    assert page.forms[1].action == "/auth/provider/company"
    fields = {"csrf_token": page.forms[0]["csrf_token"].value, "link": link, "to": "/personal"}
    for _ in range(20):
        again = browser.post("/auth/login", {**fields, "username": "ann@example.org", "password": "x"}, status=200)
        assert "The link has expired. Please begin again." in words(again)
        assert "check your username" not in again.text
        assert "link" not in again.forms[0].fields
    assert browser.log_in("ann@example.org", to="/personal").location == "https://app.example.org/personal"
    with database.read() as db:
        assert db.query(UserIdentity).count() == 0


def test_yubikey_is_asked_for_where_it_is_configured(make_app: Any, make_browser: Any, app: Any) -> None:
    """The field appears with the setting."""
    app = make_app(second_factors={"yubikey": {"client_id": "1", "secret_key": "x" * 32}})

    assert "yubikey" in make_browser(app).get("/auth/login").form.fields


def test_typed_values_come_back_but_the_password(browser: Any) -> None:
    """After a refusal the name is still there, escaped, and the password is not."""
    page = browser.log_in('"><script>x', "hunter2", remember="y")

    assert "<script>x" not in page.text
    assert page.form["username"].value == '"><script>x'
    assert page.form["password"].value == ""
    assert "hunter2" not in page.text


def test_missing_values_are_named(browser: Any) -> None:
    """An empty field is named in the summary and beside the field, tied to it for screen readers."""
    page = browser.log_in("", "")

    assert page.text.count("Please enter your username.") == 2
    assert '<div class="message alert" role="alert" tabindex="-1" autofocus>' in page.text
    assert 'aria-describedby="username-error" aria-invalid="true"' in page.text
    assert '<p class="error" id="password-error">' in page.text


def test_an_issuer_that_is_down_says_so(make_app: Any, make_browser: Any) -> None:
    """Its button can still be pressed and says that it can't be reached, until it answers again."""
    app = make_app(Buttoned(name="company"), Buttoned(name="other"))
    browser = make_browser(app)
    down = app.auth.providers["company"].down
    down.add("x")
    browser.get("/auth/login").forms[1].submit(status=503)

    page = browser.get("/auth/login")
    company, other = _buttons(page)
    assert page.html.find(id=company["aria-describedby"]).text == "It can't be reached at the moment."
    assert not other.has_attr("aria-describedby")
    down.clear()
    page.forms[1].submit(status=200)
    assert "at the moment" not in browser.get("/auth/login").text


def _buttons(page: Any) -> list[Any]:
    return [form.find("button") for form in page.html.find_all("form") if "/provider/" in form["action"]]


def test_a_directory_that_is_down_says_so(make_app: Any, make_browser: Any) -> None:
    """Before somebody types a password in vain; until it answers again, a refusal too."""
    staff = KnownPeople(name="staff", down={"x"})
    browser = make_browser(make_app(staff))
    assert browser.log_in("somebody").status_code == 503

    assert "The directory can&#39;t be reached right now." in browser.get("/auth/login").text
    staff.down.clear()
    browser.log_in("somebody")
    assert "reached right now" not in browser.get("/auth/login").text
