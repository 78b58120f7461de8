"""The pages of rights, events and attempts, as administrators see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect

from onegov_auth.domain import Client, Step
from onegov_auth.events import Event
from tests.end_to_end.accounts.looking import look
from tests.end_to_end.moving import follow, press

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LONG = "Bookkeeping for the department of waterways, bridges and municipal swimming pools"


def fill(town: Any) -> None:
    """People with rights of all kinds, and something that happened."""
    town.add("admin@example.org", "admin", realname="Ada Admin")
    auth, entities = town.app.auth, town.app.auth.entities
    with auth.database.unit() as db:
        permissions = [
            entities.permission(token=f"invoices.{what}", description=f"May {what} invoices")
            for what in ("read", "write", "delete")
        ]
        bundle = entities.bundle(name=LONG, permissions=permissions)
        group = entities.group(name="Finance", bundles=[bundle], permissions=permissions[:1])
        db.add(group)
        for number in range(40):
            user = auth.users(db).add(f"person{number:02}@example.org", town.password, "member")
            user.groups = [group]
        user.active = False
    for number in range(60):
        steps = [
            Step("search", "one entry under ou=people"),
            Step("groups", "accounting, staff"),
            Step("role", "no rule gives a role"),
        ]
        client = Client(address=f"192.0.2.{number}", user_agent=AGENT, request_id=f"r-{number}")
        refused = Event(
            type="login",
            client=client,
            username="eve@example.org",
            code="no_role",
            provider="company",
            steps=steps,
            failed=True,
        )
        with auth.database.unit() as db:
            auth.events.record(db, refused)
        auth.attempts.admit("login", f"eve{number % 3}@example.org", client)


def rights_pages(town: Any, page: Page) -> Iterator[str]:
    """Groups, bundles and permissions."""
    fill(town)
    town.log_in(page, "admin@example.org", to="/auth/admin/groups")
    yield "groups"
    follow(page.get_by_role("link", name="Add: Group"))
    yield "groups-new"
    page.get_by_label("Name").fill("Finance")
    press(page, "Save")
    yield "groups-new-refused"
    page.goto(f"{town.url}/auth/admin/groups")
    follow(page.get_by_role("link", name="Finance", exact=True))
    yield "groups-one"
    follow(page.get_by_role("link", name="Delete: Finance"))
    yield "groups-delete"
    page.goto(f"{town.url}/auth/admin/bundles")
    yield "bundles"
    follow(page.get_by_role("link", name=LONG, exact=True))
    yield "bundles-one"
    page.goto(f"{town.url}/auth/admin/permissions")
    yield "permissions"
    follow(page.get_by_role("link", name="invoices.read"))
    yield "permissions-one"


def access_pages(town: Any, page: Page) -> Iterator[str]:
    """Sessions, events, attempts, providers."""
    fill(town)
    town.log_in(page, "admin@example.org", to="/auth/admin/sessions")
    yield "admin-sessions"
    page.goto(f"{town.url}/auth/admin/events")
    yield "events"
    follow(page.get_by_role("link", name="Next"))
    yield "events-older"
    page.goto(f"{town.url}/auth/admin/events?code=no_role")
    follow(page.get_by_role("link", name="Not logged in").first)
    yield "events-one"
    page.goto(f"{town.url}/auth/admin/events?username=nobody")
    yield "events-nothing"
    page.goto(f"{town.url}/auth/admin/attempts?outcome=failed")
    yield "attempts"
    press(page, "Unlock")
    yield "attempts-refused"
    page.goto(f"{town.url}/auth/admin/providers")
    yield "providers"
    town.ahead = timedelta(minutes=6)
    page.goto(f"{town.url}/auth/admin/groups/new")
    yield "admin-confirm"


def test_rights(town: Any, page: Page, axe: str) -> None:
    """axe-core finds nothing on the pages of rights, and nothing has to be scrolled sideways."""
    assert [complaint for name in rights_pages(town, page) for complaint in look(page, name, axe)] == []


def test_access(town: Any, page: Page, axe: str) -> None:
    """Nor on those of sessions, events, attempts and providers."""
    assert [complaint for name in access_pages(town, page) for complaint in look(page, name, axe)] == []


def test_without_a_script(town: Any, chromium: Any) -> None:
    """A group is made, found in the menu's section and deleted in a browser without JavaScript."""
    fill(town)
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    town.log_in(page, "admin@example.org", to="/auth/account")
    page.locator("summary", has_text="Administration").click()
    follow(page.get_by_role("link", name="Groups", exact=True))
    follow(page.get_by_role("link", name="Add: Group"))
    page.get_by_label("Name").fill("Planning")
    page.get_by_label("invoices.write – May write invoices").check()
    press(page, "Save")
    follow(page.get_by_role("link", name="Planning", exact=True))
    expect(page.get_by_label("invoices.write – May write invoices")).to_be_checked()
    follow(page.get_by_role("link", name="Delete: Planning"))
    press(page, "Delete")
    expect(page.get_by_role("link", name="Planning", exact=True)).to_have_count(0)
    context.close()


def test_filters_on_a_phone(town: Any, chromium: Any) -> None:
    """People stand on a phone's first screen; the filters beside the search are behind a word, until one is in use."""
    fill(town)
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page = context.new_page()
    town.log_in(page, "admin@example.org", to="/auth/admin/users")
    role = page.get_by_role("search").get_by_label("Role")

    expect(page.get_by_role("link", name="admin@example.org")).to_be_in_viewport()
    expect(role).to_be_hidden()
    page.get_by_text("More filters").click()
    role.select_option("member")
    press(page, "Show")
    expect(role).to_be_visible()
    expect(page.get_by_role("link", name="person00@example.org")).to_have_count(1)
    page.goto(f"{town.url}/auth/admin/users")
    expect(role).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(role).to_be_visible()
    expect(page.get_by_text("More filters")).to_be_hidden()
    context.close()
