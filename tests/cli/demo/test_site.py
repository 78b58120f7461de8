from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from onegov_auth import migrations
from onegov_auth.cli.demo.site import DemoApp
from onegov_auth.cli.demo.ways import Login, Way
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.models import PermissionRow, User, UserGroup
from onegov_auth.settings import Settings

PASSWORD = "a password of some length"


@pytest.fixture(name="site")
def _site(tmp_path: Path, make_settings: Callable[..., Settings]) -> Any:
    """The demo's application on a database with one administrator."""
    url = f"sqlite:///{tmp_path / 'demo.db'}"
    database = Database(url)
    migrations.upgrade(database.engine)
    with database.unit() as db:
        UserCollection(db).add("ann@example.org", PASSWORD, "admin", groups=[UserGroup(name="Board")])
    database.dispose()
    app = DemoApp.from_settings(make_settings(base_url="http://localhost", database=url, cookies={"secure": False}))
    app.ways = (
        Way("local", "A local password", "in the form", (Login("ann@example.org", PASSWORD, "admin"),)),
        Way("staff", "A directory", "in the form", missing="slapd was not found: install the package slapd"),
    )
    yield app
    app.auth.close()


@pytest.fixture(name="browser")
def _browser(site: DemoApp) -> TestApp:
    """Nobody's browser."""
    return TestApp(site, extra_environ={"HTTP_HOST": "localhost"})


def log_in(browser: TestApp) -> Any:
    page = browser.get("/personal").follow()
    page.form["username"] = "ann@example.org"
    page.form["password"] = PASSWORD
    return page.form.submit().follow()


def test_home(browser: TestApp) -> None:
    """The front page names the ways in, the accounts, and what to install for those that aren't there."""
    page = browser.get("/")

    assert "slapd was not found: install the package slapd" in page.text
    assert PASSWORD in page.text
    assert page.text.count(">running</span>") == 1


def test_home_after_a_service_ended(browser: TestApp, site: DemoApp) -> None:
    """A service that ended since is not called running any more."""
    site.ways = (replace(site.ways[0], alive=lambda: False),)

    page = browser.get("/")

    assert ">stopped</span>" in page.text
    assert ">running</span>" not in page.text
    assert "start the demo again" in page.text


def test_home_without_passwords(browser: TestApp, site: DemoApp) -> None:
    """Passwords are shown on this machine only."""
    site.shows_passwords = False

    assert PASSWORD not in browser.get("/").text


def test_personal(browser: TestApp) -> None:
    """The personal page has name, role and groups, where somebody is from, and how they got in."""
    page = log_in(browser)

    assert page.request.path == "/personal"
    assert '<dd id="username">ann@example.org</dd>' in page.text
    assert '<dd id="groups">Board</dd>' in page.text
    assert '<dd id="source"><code>local</code></dd>' in page.text
    assert "the password matches" in page.text


def test_secret(browser: TestApp) -> None:
    """The secret page has the users and what happened last."""
    log_in(browser)

    page = browser.get("/secret")

    assert "<code>ann@example.org</code>" in page.text
    assert '<td data-label="What">login</td><td data-label="Outcome">ok</td>' in page.text


def test_invoices(site: DemoApp, browser: TestApp) -> None:
    """The page of the invoices is for who has the permission, in the menu as well; a token of theirs gets the same."""
    log_in(browser)
    assert "API tokens" not in browser.get("/invoices", status=403).text
    assert not browser.get("/").html.select('nav a[href="/invoices"]')
    with site.auth.database.unit() as db:
        (ann,) = db.query(User)
        ann.permissions.append(db.query(PermissionRow).filter_by(token="invoices.read").one())
        token = ann.reset_auth_token()

    assert "Blue Bicycles" in browser.get("/invoices").text
    assert browser.get("/").html.select('nav a[href="/invoices"]')
    program = TestApp(site, extra_environ={"HTTP_HOST": "localhost"})
    program.get("/invoices/json", status=401, headers={"Authorization": "Bearer oga_x"})
    answer = program.get("/invoices/json", headers={"Authorization": f"Bearer {token}"})
    assert [row["number"] for row in answer.json] == [1, 2]


def test_administration_is_linked(browser: TestApp) -> None:
    """Who has the role admin finds the administration in the menu, and nobody else does."""
    assert not browser.get("/").html.select('nav a[href="/auth/admin"]')
    log_in(browser)

    assert browser.get("/").html.select('nav a[href="/auth/admin"]')


def test_cells_say_what_they_are(browser: TestApp) -> None:
    """On a narrow screen rows become blocks, where every cell has its column's name before it."""
    log_in(browser)

    for table in browser.get("/secret").html.find_all("table"):
        heads = [head.get_text() for head in table.find_all("th")]
        for row in table.tbody.find_all("tr"):
            assert [cell["data-label"] for cell in row.find_all("td")] == heads
    assert "content: attr(data-label)" in browser.get("/demo.css").text


def test_style(browser: TestApp) -> None:
    """The style sheet is one, and the pages' policy allows no other source."""
    style = browser.get("/demo.css")

    assert style.content_type == "text/css"
    assert "style-src 'self'" in browser.get("/").headers["Content-Security-Policy"]


def test_mails(site: DemoApp, browser: TestApp, tmp_path: Path) -> None:
    """The mails are on a page for who looks at the demo on this machine, and for nobody who comes over the network."""
    site.mails = tmp_path / "mails"
    assert "No mail yet" in browser.get("/mails").text
    assert 'href="/mails"' in browser.get("/").text
    site.shows_passwords = False

    browser.get("/mails", status=404)
    assert 'href="/mails"' not in browser.get("/").text
