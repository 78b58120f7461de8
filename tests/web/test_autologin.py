from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from onegov_auth.domain import Client
from onegov_auth.outcomes import Challenge, Proof, Refused, Unavailable
from onegov_auth.providers import Headers, ProviderSettings, RequestProvider

BROWSER = {"User-Agent": "Mozilla/5.0 Firefox/140.0"}


class Settings(ProviderSettings):
    """With the key of the providers that can do it."""

    auto_login: bool = True


@dataclass(frozen=True, kw_only=True)
class Ticket(RequestProvider):
    """Nobody ever has one."""

    settings: Settings = field(default_factory=lambda: Settings(kind="ticket"))

    def authenticate_request(self, headers: Headers, client: Client) -> Proof | Challenge | Refused | Unavailable:
        """Ask for it."""
        return Challenge({"WWW-Authenticate": "Negotiate"})


@pytest.fixture(name="browser")
def _browser(make_app: Any, make_browser: Any, app_class: Any) -> Any:
    auth = make_app(Ticket(name="ticket")).auth
    return make_browser(app_class(auth))


def test_script_is_on_pages_of_strangers(browser: Any) -> None:
    """Whoever is not logged in gets the script, on pages of the application and of ours."""
    for path in ("/", "/auth/login"):
        text = browser.get(path, headers=BROWSER).text
        assert text.count('<script src="/auth/static/auto-login.js?v=') == 1
        assert 'data-url="/auth/provider/auto" data-login="/auth/login" data-home="/"></script></head>' in text


@pytest.mark.parametrize("agent", ["Googlebot/2.1", "curl/8", "", "some spider"])
def test_machines_get_no_script(browser: Any, agent: str) -> None:
    """A crawler has no ticket."""
    assert "<script" not in browser.get("/", headers={"User-Agent": agent}).text


def test_logged_in_people_get_no_script(browser: Any, add_user: Callable[..., Any]) -> None:
    """Who is in needs not be asked."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    assert "<script" not in browser.get("/", headers=BROWSER).text


@pytest.mark.parametrize("path", ["/open", "/auth/static/style.css"])
def test_other_content_is_left_alone(browser: Any, path: str) -> None:
    """A page without a head, and what is no page, stays as it is."""
    assert "auto-login" not in browser.get(path, headers=BROWSER).text


def test_without_such_a_provider_nothing_is_added(app: Any, make_browser: Any) -> None:
    """By default there is no script."""
    assert "<script" not in make_browser(app).get("/", headers=BROWSER).text
