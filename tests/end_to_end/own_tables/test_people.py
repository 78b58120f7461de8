"""What people do with accounts in a host's own tables."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.domain import Client
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.people import PASSWORD, find_user
from onegov_auth.testing.providers import KnownPeople, person

ADMIN_PAGES = (
    "admin",
    "admin/users",
    "admin/users/new",
    "admin/groups",
    "admin/groups/new",
    "admin/bundles",
    "admin/permissions",
    "admin/attempts",
    "admin/events",
    "admin/providers",
    "admin/sessions",
    "admin/signup-links",
)


@pytest.fixture(name="client")
def _client(auth_client: Any, make_user: Any) -> Any:
    """The browser of an administrator."""
    return auth_client(make_user("root@example.org", role="admin", realname="Root"))


def test_pages_know_the_hosts_columns(client: Any) -> None:
    """The key is a number, and the real name stands in a column of another name."""
    assert client.get("/").text == "employee 1: Root"
    assert client.get("/office").text == "office"


@pytest.mark.parametrize("page", ADMIN_PAGES)
def test_pages_of_the_administration(client: Any, make_user: Any, page: str) -> None:
    """Each shows what is in the host's tables."""
    make_user("ann@example.org", realname="Ann", groups=["Finance"], bundles=["Books"], permissions=["payroll.read"])

    assert client.get(f"/auth/{page}").status_int == 200


def test_page_of_a_permission(client: Any, make_user: Any) -> None:
    """It names whoever has it, whatever the host's key is called; nothing in the address makes it fail."""
    make_user("ann@example.org", realname="Ann", groups=["Finance"], permissions=["payroll.read"])
    page = client.get("/auth/admin/permissions").click("payroll.read")
    assert "Ann" in page.text
    assert page.goto(f"{page.request.path}?after=%00").status_int == 200


def test_nobody_locks_oneself_out_by_an_address(application: Any, make_user: Any, client: Any) -> None:
    """Where nobody gets in before the address is verified, administrators can't make their own one unverified."""
    auth = application.auth
    make_user("eve@example.org", role="admin")
    identity = auth.sessions.lookup(next(c.value for c in client.cookiejar if c.name == application.cookies.session))
    change = {"email_verified": False}
    assert auth.change_user(identity, Client(), identity.uid, change).code == "own_account"
    assert find_user(application, "root@example.org").is_active


def test_a_directory_makes_employees(application: Any, auth_client: Any, staff_app: Any) -> None:
    """Whoever comes by a directory for the first time becomes one, and is the same one the next time."""
    auth = application.auth
    settings = ProviderSettings(kind="known-people", roles={"member": ("*",)}, link_domains=("example.org",))
    staff = KnownPeople(name="staff", settings=settings)
    dora = person("staff", "id-1", "dora@example.org", realname="Dora", email="dora@example.org", email_verified=True)
    staff.people["dora@example.org"] = (PASSWORD, dora)
    auth.providers = {**auth.providers, "staff": staff}
    numbers = []
    for _ in range(2):
        browser = auth_client()
        form = browser.get("/auth/login").form
        form["username"], form["password"] = "dora@example.org", PASSWORD
        assert form.submit().status_int == 303
        numbers.append(browser.get("/").text)

    assert numbers == ["employee 1: Dora", "employee 1: Dora"]
    assert isinstance(find_user(application, "dora@example.org"), staff_app.Employee)


def test_somebody_joins(make_application: Any, staff_app: Any) -> None:
    """By mail; before the address is confirmed nobody is let in."""
    from onegov_auth.testing.client import AuthClient  # noqa: PLC0415 - needs the host's class first

    application = make_application(staff_app.App, registration={"enabled": True})
    browser = AuthClient(application)
    form = browser.get("/auth/register").form
    form["username"], form["password"] = "new@example.org", PASSWORD
    if "confirm" in form.fields:
        form["confirm"] = PASSWORD
    form.submit()
    new = find_user(application, "new@example.org")
    assert (new.is_active, new.email) == (False, "new@example.org")
    page = browser.get(application.auth.mailer.outbox.link("activate")).maybe_follow()
    page.form.submit().maybe_follow()

    new = find_user(application, "new@example.org")
    assert (new.is_active, new.email_verified) == (True, True)


def test_a_token_speaks_for_an_employee(application: Any, auth_client: Any, make_user: Any) -> None:
    """The second seed's tokens of a user are found, whatever the key is."""
    make_user("ann@example.org", realname="Ann", permissions=["payroll.read"])
    with application.auth.database.unit() as db:
        ann: Any = application.auth.users(db).by_username("ann@example.org")
        token = ann.reset_auth_token()
    bearer = {"Authorization": f"Bearer {token}"}

    assert auth_client().get("/payroll", headers=bearer).text == "payroll"
    assert (
        auth_client().get("/payroll", headers={"Authorization": "Bearer wrong"}, expect_errors=True).status_int == 401
    )
