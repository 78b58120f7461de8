"""A site that people join by themselves, with a mail server behind it, served to real browsers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from webtest.http import StopableWSGIServer

from onegov_auth import AuthApp, Personal, migrations
from onegov_auth.clock import utcnow
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.passwords import Hasher
from onegov_auth.settings import Settings, settings_from
from onegov_auth.testing.servers import Smtp, npm
from onegov_auth.testing.servers.process import free_ports

PASSWORD = "seven blue herons on a dry roof"


@dataclass
class Town:
    """
    The served site.

    Attributes:
        url: Where it is.
        app: The application.
        post: The mail server.
        read: How many mails were read.
    """

    url: str
    app: Any
    post: Smtp
    password: str = PASSWORD
    ahead: timedelta = timedelta(0)
    read: int = field(default=0)

    def now(self) -> datetime:
        """The site's time; what happened before is older when :attr:`ahead` grows."""
        return utcnow() + self.ahead

    def mail(self) -> Any:
        """The next mail, as soon as it is there."""
        self.read += 1
        return self.post.wait_for(self.read)[self.read - 1]

    def link(self, mail: Any) -> str:
        """The address on this site that a mail is about."""
        text = mail.get_body(("plain",)).get_content()
        found = re.search(rf"{re.escape(self.url)}/auth/\S+[?]\S+", text)
        assert found, text
        return found.group()

    def add(self, username: str, role: str = "member", **more: Any) -> None:
        """Add a user with the password."""
        with self.app.auth.database.unit() as db:
            user = UserCollection(db).add(username, self.password, role)
            for name, value in more.items():
                setattr(user, name, value)

    def log_in(self, page: Page, username: str, to: str = "/personal") -> None:
        """Use the login page."""
        page.goto(f"{self.url}/auth/login?to={to}")
        page.get_by_label("E-Mail Address").fill(username)
        page.get_by_label("Password").fill(self.password)
        with page.expect_navigation():
            page.get_by_role("button", name="Log in", exact=True).click()


def make_app() -> type[AuthApp]:
    class App(AuthApp):
        """A page for everybody, and one for people."""

    @App.path(path="")
    class Root:
        pass

    @App.html(model=Root)
    def home(self: Root, request: Any) -> str:
        return "<h1>Home</h1>"

    @App.html(model=Root, name="personal", permission=Personal)
    def personal(self: Root, request: Any) -> str:
        user = request.current_user
        return f"<h1>Personal</h1><p id=who>{escape(user.title)}|{escape(user.username)}|{user.role}</p>"

    return App


def make_settings(url: str, folder: Path, post: Smtp, changes: dict[str, Any]) -> Settings:
    return settings_from(
        {
            "base_url": url,
            "database": f"sqlite:///{folder}/town.db",
            "secrets": ["a secret for tests only, of more than 32 characters"],
            "cookies": {"secure": False},
            "title": "Town of Example",
            "registration": {"enabled": True},
            "mail": {"url": post.url, "sender": "Town <town@example.org>"},
            **changes,
        }
    )


@pytest.fixture(name="make_town")
def _make_town(tmp_path: Path, smtp: Smtp) -> Iterator[Callable[..., Town]]:
    """Serve the site with these settings, on a port of its own."""
    with ExitStack() as stack:

        def make(host: str = "127.0.0.1", **changes: Any) -> Town:
            (port,) = free_ports()
            url = f"http://{host}:{port}"
            settings = make_settings(url, tmp_path, smtp, changes)
            town = Town(url, None, smtp)
            database = Database(settings.database.reveal(), clock=town.now)
            stack.callback(database.dispose)
            migrations.upgrade(database.engine)
            town.app = make_app().from_settings(settings, database=database, hasher=Hasher.cheap(), clock=town.now)
            stack.callback(town.app.auth.mailer.close)
            smtp.forget()
            server = StopableWSGIServer.create(town.app, host="127.0.0.1", port=port, threads=4)
            stack.callback(server.shutdown)
            return town

        yield make


@pytest.fixture(name="town")
def _town(make_town: Callable[..., Town]) -> Town:
    """The site, where everybody may register."""
    return make_town()


@pytest.fixture(name="new_page")
def _new_page(chromium: Browser) -> Iterator[Callable[[], Page]]:
    """Open a page of a browser that knows nothing of the others."""
    contexts = []

    def open_page() -> Page:
        contexts.append(chromium.new_context(locale="en-GB"))
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(name="axe", scope="session")
def _axe() -> str:
    """The source of axe-core."""
    return (npm.install(Path(__file__).parents[1] / "axe") / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
