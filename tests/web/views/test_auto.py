from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest

from onegov_auth.domain import Callback, Client, Transaction, VerifiedIdentity
from onegov_auth.outcomes import Challenge, Proof, Redirect, Refused, Unavailable
from onegov_auth.providers import Headers, ProviderSettings, RequestProvider
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

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


class Silent(KnownIssuer):
    """An issuer that is asked in silence."""

    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """Only so."""
        assert transaction.hints == {"prompt": "none"}
        return super().start(transaction)

    def finish(self, callback: Callback, transaction: Transaction) -> VerifiedIdentity | Refused | Unavailable:
        """Refuses with the code that was brought, unless it stands for somebody."""
        found = super().finish(callback, transaction)
        return Refused(callback.params["code"]) if isinstance(found, Refused) else found


@pytest.fixture(name="silent")
def _silent(make_app: Any, make_browser: Any) -> Any:
    people = {"c": person("company", "1", "ann@example.org", groups=frozenset({"x"}))}
    settings = Settings(kind="known-issuer", roles={"member": ("*",)})
    return make_browser(make_app(Silent(name="company", settings=settings, people=people)))


def come_back(browser: Any, page: Any, code: str) -> Any:
    state = page.text.partition("state=")[2].partition("&")[0]
    return browser.get("/auth/provider/company/callback", {"state": state, "code": code})


def test_an_issuer_is_asked_in_silence(silent: Any) -> None:
    """The browser goes there and comes back logged in, to where it wanted to go."""
    page = silent.get("/auth/provider/auto?to=/personal", status=200)
    assert come_back(silent, page, "c").location == "https://app.example.org/personal"


@pytest.mark.parametrize("code", ["login_required", "interaction_required", "consent_required"])
def test_an_issuer_that_needs_the_person(silent: Any, code: str) -> None:
    """The login page offers all ways in, without a word: nobody did anything wrong."""
    back = come_back(silent, silent.get("/auth/provider/auto?to=/personal"), code)

    assert back.location == "https://app.example.org/auth/login?to=%2Fpersonal&local=1"
    page = back.follow()
    assert "alert" not in page.text
    assert "refresh" not in page.text
    assert page.forms[1]["to"].value == "/personal"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"},
    ],
    ids=["script", "frame", "another site"],
)
def test_an_issuer_is_asked_by_a_page_only(silent: Any, headers: dict[str, str]) -> None:
    """What is no page somebody asked for can't go anywhere: 401, and nothing is begun."""
    assert "refresh" not in silent.get("/auth/provider/auto", headers=headers, status=401).text


def test_an_issuer_that_is_down(make_app: Any, make_browser: Any) -> None:
    """401: it can't."""
    settings = Settings(kind="known-issuer")
    browser = make_browser(make_app(KnownIssuer(name="company", settings=settings, down={"x"})))
    assert browser.get("/auth/provider/auto", status=401).text == ""


def test_no_script_asks_an_issuer(silent: Any) -> None:
    """Pages have no script for it: what is no page of a window has none of the issuer's cookies."""
    assert "auto-login.js" not in silent.get("/").text
