"""A site with all three ways in, served to a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from webtest.http import StopableWSGIServer

from onegov_auth import AuthApp, Personal, Secret, migrations
from onegov_auth.clock import utcnow
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.passwords import Hasher
from onegov_auth.settings import Settings, settings_from
from onegov_auth.testing.servers import OidcProvider, ServerMissingError, Slapd
from onegov_auth.testing.servers.process import free_ports

PASSWORD = "correct horse battery staple"


@dataclass
class Site:
    """A served application and the servers behind it."""

    url: str
    app: Any
    directory: Slapd
    issuer: OidcProvider


def make_app() -> type[AuthApp]:
    class App(AuthApp):
        """Three pages, for everybody, for people and for administrators."""

    @App.path(path="")
    class Root:
        pass

    @App.html(model=Root)
    def home(self: Root, request: Any) -> str:
        return "<h1>Home</h1>"

    @App.html(model=Root, name="personal", permission=Personal)
    def personal(self: Root, request: Any) -> str:
        user = request.current_user
        return f"<h1>Personal</h1><p id=who>{escape(user.title)}|{user.source}|{user.source_id}|{user.role}</p>"

    @App.html(model=Root, name="secret", permission=Secret)
    def secret(self: Root, request: Any) -> str:
        return "<h1>Secret</h1>"

    return App


ROLES = {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]}

Serve = Callable[[Callable[[str], Mapping[str, Any]]], tuple[str, Any]]


def make_settings(url: str, folder: Path, providers: Mapping[str, Any]) -> Settings:
    return settings_from(
        {
            "base_url": url,
            "database": f"sqlite:///{folder}/site.db",
            "secrets": ["a secret for tests only, of more than 32 characters"],
            "cookies": {"secure": False},
            "providers": {"local": {"kind": "local"}, **providers},
        }
    )


def staff(directory: Slapd) -> dict[str, Any]:
    return {
        "kind": "ldap",
        "servers": [directory.ldaps_url],
        "tls": {"ca_file": str(directory.ca_file)},
        "bind": {"dn": directory.service_dn, "password": directory.service_password},
        "people": {"base": directory.people_base},
        "groups": {"base": directory.groups_base},
        "timeouts": {"connect": "1s", "operation": "1s", "login": "3s"},
        "roles": ROLES,
    }


def company(issuer: OidcProvider) -> dict[str, Any]:
    return {
        "kind": "oidc",
        "issuer": issuer.issuer,
        "client_id": issuer.client_id,
        "client_secret": issuer.client_secret,
        "button": "Log in with **Company**",
        "claims": {"username": "sub"},
        "roles": {**ROLES, "member": ["*"]},
    }


@pytest.fixture(name="serve")
def _serve(tmp_path: Path) -> Iterator[Serve]:
    """Serves an application with a local Ann, and the providers that the test makes for its address."""
    ends: list[Callable[[], object]] = []

    def serve(make_providers: Callable[[str], Mapping[str, Any]]) -> tuple[str, Any]:
        (port,) = free_ports()
        url = f"http://127.0.0.1:{port}"
        settings = make_settings(url, tmp_path, make_providers(url))
        database = Database(settings.database.reveal(), clock=utcnow)
        migrations.upgrade(database.engine)
        app = make_app().from_settings(settings, database=database, hasher=Hasher.cheap())
        with database.unit() as db:
            UserCollection(db).add("ann@example.net", PASSWORD, "member")
        server = StopableWSGIServer.create(app, host="127.0.0.1", port=port)
        ends.extend([server.shutdown, app.auth.close])
        return url, app

    yield serve
    for end in ends:
        end()


@pytest.fixture(name="site")
def _site(serve: Serve, own_slapd: Slapd, own_oidc_op: OidcProvider) -> Site:
    """The site with all three ways in."""

    def providers(url: str) -> Mapping[str, Any]:
        here = f"{url}/auth/provider/company"
        own_oidc_op.allow_redirect(f"{here}/callback", after_logout=[f"{here}/logout"])
        return {"staff": staff(own_slapd), "company": company(own_oidc_op)}

    url, app = serve(providers)
    return Site(url, app, own_slapd, own_oidc_op)


@pytest.fixture(name="chromium", scope="session")
def _chromium() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        message = str(ServerMissingError("chromium", "chromium"))
        if os.environ.get("CI"):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*quiet, "--disable-component-update"])
        yield browser
        browser.close()


@pytest.fixture(name="page")
def _page(chromium: Browser) -> Iterator[Page]:
    """A fresh browser's page; what the browser itself complains of fails the test."""
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    # Nobody leaves this machine: a provider's page that wants a stylesheet from elsewhere is shown without.
    context.route(re.compile(r"^https?://(?!(127\.0\.0\.1|localhost)[:/])"), lambda route: route.abort())
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [text for text in complaints if "Content Security Policy" in text or "Error:" in text] == []
