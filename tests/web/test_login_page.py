from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onegov_auth.testing.providers import KnownIssuer, KnownPeople


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


def test_pending_link_shows_the_form_only(make_app: Any, make_browser: Any) -> None:
    """Who has to prove a local account is offered no other way around it."""
    page = make_browser(make_app(Buttoned(name="company"))).get("/auth/login?link=abc")

    assert page.form["link"].value == "abc"


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
    assert '<div class="message alert" role="alert">' in page.text
    assert 'aria-describedby="username-error" aria-invalid="true"' in page.text
    assert '<p class="error" id="password-error">' in page.text
