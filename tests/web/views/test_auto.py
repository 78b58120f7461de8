from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest

from onegov_auth.domain import Client
from onegov_auth.outcomes import Challenge, Proof, Refused, Unavailable
from onegov_auth.providers import Headers, ProviderSettings, RequestProvider
from onegov_auth.testing.providers import KnownPeople, person

Verdict: TypeAlias = Proof | Challenge | Refused | Unavailable

ANN = person("ticket", "1", "ann", groups=frozenset({"x"}))


class Settings(ProviderSettings):
    """With the key of the providers that can do it."""

    auto_login: bool = True


@dataclass(frozen=True, kw_only=True)
class Ticket(RequestProvider):
    """Reads a header, as a browser with a ticket sends one."""

    settings: Settings = field(default_factory=lambda: Settings(kind="ticket", roles={"member": ("x",)}))

    def authenticate_request(self, headers: Headers, client: Client) -> Verdict:
        """Who sends which ticket?"""
        verdicts: dict[str | None, Verdict] = {
            None: Challenge({"WWW-Authenticate": "Negotiate"}),
            "Negotiate ann": Proof(ANN, {"WWW-Authenticate": "Negotiate done"}),
            "Negotiate stranger": Proof(person("ticket", "2", "bob", groups=frozenset())),
            "Negotiate down": Unavailable(self.name),
        }
        return verdicts.get(headers.get("authorization"), Refused("invalid_ticket"))


@pytest.fixture(name="browser")
def _browser(make_app: Any, make_browser: Any, app_class: Any) -> Any:
    return make_browser(app_class(make_app(Ticket(name="ticket")).auth))


def test_browser_without_a_ticket_is_asked_for_one(browser: Any) -> None:
    """A 401 with the provider's challenge, and nobody is logged in."""
    response = browser.get("/auth/provider/auto", status=401)

    assert response.headers["WWW-Authenticate"] == "Negotiate"
    assert "nobody" in browser.get("/").text


def test_ticket_logs_in(browser: Any) -> None:
    """A 200 with the provider's answer and a session; the script then loads the page again."""
    response = browser.get("/auth/provider/auto", headers={"Authorization": "Negotiate ann"}, status=200)

    assert response.headers["WWW-Authenticate"] == "Negotiate done"
    assert "ann" in browser.get("/").text


@pytest.mark.parametrize("ticket", ["stranger", "down", "forged"])
def test_everything_else_is_a_401(browser: Any, ticket: str) -> None:
    """Who may not, can't be asked about, or brings nonsense stays a stranger."""
    browser.get("/auth/provider/auto", headers={"Authorization": f"Negotiate {ticket}"}, status=401)

    assert "nobody" in browser.get("/").text


def test_without_such_a_provider_it_is_a_401(make_app: Any, make_browser: Any) -> None:
    """A directory can't log anybody in unasked."""
    make_browser(make_app(KnownPeople(name="staff"))).get("/auth/provider/auto", status=401)


@pytest.mark.sec("CSRF-02", "ASVS-7.6.2")
@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_other_sites_can_not_log_anybody_in(browser: Any, headers: dict[str, str]) -> None:
    """A ticket that another site's page made the browser send opens no session."""
    browser.get("/auth/provider/auto", headers={"Authorization": "Negotiate ann", **headers}, status=403)

    assert "nobody" in browser.get("/").text
