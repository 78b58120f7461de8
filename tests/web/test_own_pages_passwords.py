"""Which pages there are where local passwords let few or nobody in (``passwords.login``)."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import KnownPeople, person

COMPANY = {"kind": "oidc", "issuer": "https://id.example.com", "client_id": "app", "client_secret": "x" * 40}
NONE = {"passwords": {"login": "none"}, "providers": {"local": {"kind": "local"}, "company": COMPANY}}
BREAK_GLASS = {"passwords": {"login": "break-glass"}, "privileged_roles": ["admin"]}

ANN = person("staff", "id-ann", "ann", groups=frozenset({"staff"}))
BLOCK = ProviderSettings(kind="known-people", roles={"member": ("*",)})
PAGES = (
    "/auth/register",
    "/auth/resend",
    "/auth/activate",
    "/auth/request-password",
    "/auth/reset-password",
    "/auth/account/password",
    "/.well-known/change-password",
)


@pytest.fixture(name="staff")
def _staff() -> KnownPeople:
    return KnownPeople(name="staff", settings=BLOCK, people={"ann": ("secret", ANN)})


@pytest.mark.parametrize("path", PAGES)
def test_none_has_no_pages(make_app: Any, make_browser: Any, staff: KnownPeople, path: str) -> None:
    """With ``none`` there is no page for a local password, neither for visitors nor for whoever is logged in."""
    browser = make_browser(make_app(staff, **NONE))
    assert browser.get(path, status=404)
    assert browser.log_in("ann", "secret").status_code == 303
    assert browser.get(path, status=404)


def test_none_offers_no_form(make_app: Any, make_browser: Any) -> None:
    """With ``none`` the login page has no field for a password, and leads to none of those pages."""
    text = make_browser(make_app(**NONE)).get("/auth/login").text

    assert 'type="password"' not in text
    assert "request-password" not in text
    assert "Company" in text or "company" in text


def test_none_leaves_the_menu_without_it(make_app: Any, make_browser: Any, staff: KnownPeople) -> None:
    """The menu of one's own account does not lead to a page that isn't there."""
    browser = make_browser(make_app(staff, **NONE))
    browser.log_in("ann", "secret")

    assert "/auth/account/password" not in browser.get("/auth/account").text


def test_break_glass(make_app: Any, make_browser: Any, add_user: Any, staff: KnownPeople) -> None:
    """With ``break-glass`` the page to change a password is there for whom one lets in, and for nobody else."""
    app = make_app(staff, **BREAK_GLASS)
    add_user("root@example.org", "admin")
    admin, member = make_browser(app), make_browser(app)
    admin.log_in("root@example.org")
    member.log_in("ann", "secret")

    assert "current-password" in admin.get("/auth/account/password").text
    assert member.get("/auth/account/password", status=404)
    assert "/auth/account/password" not in member.get("/auth/account").text
    assert make_browser(app).get("/auth/request-password").status_code == 200
    assert make_browser(app).get("/auth/register", status=404)


def test_break_glass_refuses_in_one_sentence(make_app: Any, make_browser: Any, add_user: Any) -> None:
    """A right password that lets nobody in, and a wrong one, read the same."""
    app = make_app(**BREAK_GLASS)
    add_user("bob@example.org")
    right = make_browser(app).log_in("bob@example.org")
    wrong = make_browser(app).log_in("bob@example.org", "a wrong password")

    def alert(response: Any) -> str:
        return str(response.html.select_one("[role=alert]").get_text(" ", strip=True))

    assert right.status_code == wrong.status_code
    assert alert(right) == alert(wrong)
