"""A site that people join by themselves, whose mails arrive at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pyotp
import pytest

from onegov_auth.auth import Auth
from onegov_auth.collections import UserCollection
from onegov_auth.keys import Keys
from onegov_auth.mail import Mailer
from onegov_auth.mail.transports import Send, Transport

PASSWORD = "correct horse battery staple"
BASE = "https://app.example.org"


class Letterbox(Transport):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    def connected(self) -> AbstractContextManager[Send]:
        """The list."""
        return nullcontext(self._keep)

    def _keep(self, message: EmailMessage) -> None:
        self.mails.append(message)


class Prompt(Mailer):
    """Sends before the answer, so that tests need not wait."""

    def wake(self) -> None:
        """Send what was committed."""
        self.deliver()


@dataclass
class Town:
    """The site with what tests do on it."""

    app: Any
    new_browser: Callable[..., Any]
    clock: Any
    mails: list[EmailMessage] = field(default_factory=list)

    def browser(self) -> Any:
        """A browser that knows nothing of others."""
        return self.new_browser(self.app)

    def add(self, username: str, role: str = "member", **more: Any) -> None:
        """Add somebody with an account."""
        with self.app.auth.database.unit() as db:
            user = UserCollection(db).add(username, PASSWORD, role)
            for name, value in more.items():
                setattr(user, name, value)

    def member(self, username: str = "ann@example.org", role: str = "member", **more: Any) -> Any:
        """A browser in which somebody with an account has just logged in."""
        self.add(username, role, **more)
        return self.logged_in(username)

    def logged_in(self, username: str = "ann@example.org", password: str = PASSWORD) -> Any:
        """Another browser in which somebody has just logged in."""
        browser = self.browser()
        assert browser.log_in(username, password).status_code == 303
        return browser

    def user(self, username: str) -> Any:
        """The user of that name; None if there is none."""
        with self.app.auth.database.read() as db:
            user = UserCollection(db).by_username(username)
            if user is not None:
                db.refresh(user)
                db.expunge(user)
            return user

    def link(self, page: str, to: str | None = None) -> str:
        """The path of the last mailed link to a page."""
        for mail in reversed(self.mails):
            body = mail.get_body(("plain",))
            found = re.search(rf"{BASE}(/auth/{page}[?]\S+)", body.get_content() if body else "")
            if found and to in {None, mail["To"]}:
                return found[1]
        raise AssertionError(f"no mail to {to} leads to {page}")

    def old(self) -> None:
        """Six minutes pass: no login is fresh any more."""
        self.clock.advance(360)


@pytest.fixture(name="make_town")
def _make_town(
    app_class: Any, database: Any, clock: Any, hasher: Any, make_settings: Any, make_browser: Any
) -> Callable[..., Town]:
    """Make the site with these settings; by position, more providers."""

    def make(*providers: Any, login_steps: tuple[Any, ...] = (), **changes: Any) -> Town:
        settings = make_settings(**{"registration": {"enabled": True}, **changes})
        box = Letterbox()
        keys = Keys(settings.secrets, settings.application)
        mailer = Prompt(settings, database, keys, clock=clock, transport=box)
        app_class.commit()
        hooks = replace(app_class.hooks, login_steps=login_steps)
        auth = Auth(settings, database, clock=clock, hasher=hasher, hooks=hooks, mailer=mailer)
        auth.providers = {**auth.providers, **{provider.name: provider for provider in providers}}
        return Town(app_class(auth), make_browser, clock, box.mails)

    return make


@pytest.fixture(name="town")
def _town(make_town: Callable[..., Town]) -> Town:
    """The site, with local accounts."""
    return make_town()


@dataclass
class Phone:
    """Somebody's authenticator app."""

    secret: str
    clock: Any

    def code(self, steps: int = 0) -> str:
        """The code it shows now, or some steps of 30 seconds away from now."""
        return pyotp.TOTP(self.secret).at(self.clock() + timedelta(seconds=30 * steps))

    def wrong(self) -> str:
        """A code that it shows neither now nor in minutes."""
        near = {self.code(steps) for steps in range(-12, 13)}
        return next(code for code in (f"{number:06}" for number in range(1000)) if code not in near)


@pytest.fixture(name="secret_on")
def _secret_on() -> Callable[[Any], str]:
    """Read the app's key on a page."""
    return secret_on


@pytest.fixture(name="token_of")
def _token_of() -> Callable[[Any], str]:
    """The token of a form, for a browser in which somebody is logged in."""
    return token


@pytest.fixture(name="add_phone")
def _add_phone() -> Callable[..., Phone]:
    """Set an app up on the page of one's own factors, in a browser in which somebody has just logged in."""

    def add(town: Town, browser: Any, name: str = "") -> Phone:
        page = browser.post("/auth/account/factors/add/totp", {"csrf_token": token(browser)}).follow()
        phone = Phone(secret_on(page), town.clock)
        page.form["code"], page.form["name"] = phone.code(), name
        assert page.form.submit().status_code == 303
        return phone

    return add


@pytest.fixture(name="set_up_at_login")
def _set_up_at_login() -> Callable[..., Any]:
    """Set an app up in the middle of a login that demands one; returns what the code is answered with."""

    def set_up(town: Town, browser: Any, username: str = "ann@example.org") -> Any:
        choice = browser.log_in(username, to="/personal").follow()
        page = choice.forms[0].submit().follow()
        page.form["code"] = Phone(secret_on(page), town.clock).code()
        return page.form.submit()

    return set_up


def secret_on(page: Any) -> str:
    """The key that a page shows for the app."""
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)
    assert found, page.text
    return found[1].replace(" ", "")


def token(browser: Any) -> str:
    """A form's token, for somebody who is logged in."""
    return str(browser.get("/auth/logout").form["csrf_token"].value)
