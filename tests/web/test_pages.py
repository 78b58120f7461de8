from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from onegov_auth.errors import SettingsError
from onegov_auth.providers import Handler
from onegov_auth.testing.providers import KnownIssuer, KnownPeople
from onegov_auth.web import AuthPages, pages
from onegov_auth.web.static import FILES


@dataclass(frozen=True, kw_only=True)
class Extended(KnownPeople):
    """A provider with an endpoint."""

    def routes(self) -> Mapping[str, Handler]:
        """One."""
        return {"jwks": lambda callback, client: None}  # type: ignore[dict-item,return-value] # never called


def test_pages_have_their_addresses(make_app: Any, ask: Callable[..., Any], app: Any) -> None:
    """Every page is linked to through the mount, below its path."""
    issuer = KnownIssuer(name="company")
    app.auth.providers = {**app.auth.providers, "company": issuer}

    def link(request: Any) -> list[str]:
        mount = request.app.child("auth")
        found = [
            pages.Login(),
            pages.Logout(),
            pages.AutoLogin(),
            pages.ProviderStart(issuer),
            pages.ProviderCallback(issuer),
            pages.ProviderLogout(issuer),
            FILES["style.css"],
        ]
        return [request.link(page, app=mount).removeprefix("https://app.example.org/auth/") for page in found]

    assert ask(link) == [
        "login",
        "logout",
        "provider/auto",
        "provider/company",
        "provider/company/callback",
        "provider/company/logout",
        "static/style.css",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "provider/nobody",
        "provider/nobody/callback",
        "provider/nobody/logout",
        "provider/nobody/jwks",
        "provider/local",
        "provider/local/callback",
        "provider/company/jwks",
        "provider/staff/other",
        "static/other.css",
        "static/../../app.py",
        "login/deeper",
        "login/+debug",
        "",
    ],
)
@pytest.mark.sec("ASVS-4.1.4")
def test_what_is_not_there_is_a_404(make_app: Any, make_browser: Any, path: str) -> None:
    """An unknown provider, one of another kind, an endpoint it has not: a friendly 404."""
    browser = make_browser(make_app(Extended(name="staff"), KnownIssuer(name="company")))

    assert "There is no such page." in browser.get(f"/auth/{path}", status=404).text


def test_query_replaces_no_part_of_a_page(make_app: Any, make_browser: Any) -> None:
    """No parameter of a query reaches what makes a page."""
    browser = make_browser(make_app(KnownIssuer(name="company")))

    browser.get("/auth/provider/nobody?name=company&provider=company&app=x", status=404)
    browser.get("/auth/login?app=x&pages=y&name=z", status=200)


def test_pages_can_be_no_site(app: Any) -> None:
    """Served by themselves they refuse to work; mounted they know the Auth of their parent."""
    with pytest.raises(SettingsError, match="can't be the root"):
        AuthPages.make()({}, None)
    mounted = AuthPages.make()
    mounted.parent = app
    assert mounted.auth is app.auth
