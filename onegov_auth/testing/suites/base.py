"""What all suites share: the application, browsers, users, and how the login page of the host is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import pytest

from onegov_auth.testing.client import AuthClient
from onegov_auth.testing.people import PASSWORD, find_user, make_user

if TYPE_CHECKING:
    from onegov_auth.testing.clock import FakeClock
    from onegov_auth.testing.outbox import Outbox

__all__ = ["WRONG", "AuthSuite"]

#: Nobody's password.
WRONG = "an entirely wrong sentence"

_TOKEN = re.compile(r"[0-9a-f]{16}\.[\w-]+")


class AuthSuite:
    """
    The base of all suites. A host says which class is its application, or overrides the fixture ``application``.

    Attributes:
        app_class: The host's application, a subclass of :class:`onegov_auth.AuthApp`.
        settings: What stands in its ``auth.yml``, if it matters.
        username_field: The name of the login form's first field.
        password_field: The name of its second.
        protected_page: A page that is for people who are logged in; their own account by default.
        application: The application of this test.
        clock: Its time.
        outbox: Its mails.
    """

    app_class: ClassVar[Any] = None
    settings: ClassVar[Mapping[str, Any]] = {}
    username_field: ClassVar[str] = "username"
    password_field: ClassVar[str] = "password"
    protected_page: ClassVar[str | None] = None

    application: Any
    clock: FakeClock
    outbox: Outbox

    @pytest.fixture(name="application")
    def _application(self, make_application: Any) -> Any:
        """The host's application on an empty database, made by ``make_application``."""
        if self.app_class is None:
            raise NotImplementedError("say which application is tested: app_class, or the fixture application")
        return make_application(self.app_class, **self.settings)

    @pytest.fixture(autouse=True)
    def _begin(self, application: Any, clock: FakeClock) -> None:
        self.application = application
        self.clock = clock
        self.outbox = application.auth.mailer.outbox

    # -- to be overridden where the host's pages differ ----------------------------------------------

    def url(self, page: str) -> str:
        """The path of one of the framework's pages, such as ``login``."""
        return f"/{self.application.auth_path}/{page}"

    def fill_in(self, page: Any, username: str, password: str) -> Any:
        """The login form of *page*, filled in."""
        form = self.form_with(page, self.password_field)
        form[self.username_field], form[self.password_field] = username, password
        return form

    def make_user(self, username: str = "ann@example.org", **more: Any) -> Any:
        """Add a user who may log in; arguments as for :func:`onegov_auth.testing.people.make_user`."""
        return make_user(self.application, username, **more)

    # -- what the tests are written with ---------------------------------------------------------------

    def browser(self, user: Any = None, **more: Any) -> AuthClient:
        """A browser that knows nothing of others; in the name of *user*, if one is given."""
        return AuthClient(self.application, user, **more)

    def user(self, username: str = "ann@example.org") -> Any:
        """The user as it is in the database now."""
        return find_user(self.application, username)

    def login_page(self, browser: AuthClient, to: str | None = None) -> Any:
        """The login page, with the form and without going on to a provider."""
        return browser.get(self.url("login"), {"local": "1", **({} if to is None else {"to": to})})

    def log_in(
        self, browser: AuthClient, username: str = "ann@example.org", password: str = PASSWORD, to: str | None = None
    ) -> Any:
        """Use the login page; returns what it is answered with."""
        return self.fill_in(self.login_page(browser, to), username, password).submit(expect_errors=True)

    def is_in(self, browser: AuthClient) -> bool:
        """Whether somebody is logged in there, by what the protected page answers."""
        page = self.protected_page or self.url("account")
        return int(browser.get(page, expect_errors=True).status_int) == 200

    def form_with(self, page: Any, field: str) -> Any:
        """The form of *page* that has that field."""
        found = [form for form in page.forms.values() if field in form.fields]
        assert found, f"no form with a field {field} on {page.request.path_qs}: {page.status}"
        return found[0]

    def neutral(self, page: Any, *typed: str) -> str:
        """What a person reads on *page*, without tokens and without what they typed themselves."""
        text = _TOKEN.sub("", str(page.text))
        for word in typed:
            text = text.replace(word, "")
        return f"{page.status_int} {text}"

    def place(self, response: Any) -> str:
        """Where *response* leads to; fails if that is another site."""
        target = urlsplit(response.location or "")
        ours = urlsplit(self.application.auth.settings.base_url)
        assert response.status_int in {302, 303}, f"no redirect: {response.status}"
        assert (target.scheme or ours.scheme, target.netloc or ours.netloc) == (ours.scheme, ours.netloc)
        return target.path + (f"?{target.query}" if target.query else "")
