"""Logging in by what the request itself proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from onegov_auth.auth import Auth
from onegov_auth.domain import Client, Headers, VerifiedIdentity
from onegov_auth.outcomes import Challenge, LoggedIn, Proof, Refused, Unavailable
from onegov_auth.providers import ProviderSettings, RequestProvider
from onegov_auth.testing.providers import person


@dataclass(frozen=True, kw_only=True)
class Badge(RequestProvider):
    """Believes the header ``x-badge``."""

    kind: ClassVar[str] = "badge"

    people: dict[str, VerifiedIdentity] = field(default_factory=dict)

    def authenticate_request(self, headers: Headers, client: Client) -> Proof | Challenge | Refused | Unavailable:
        """Look the badge up."""
        badge = headers.get("x-badge")
        if badge is None:
            return Challenge({"www-authenticate": "Badge"})
        if badge == "down":
            return Unavailable(self.name, "unreachable")
        found = self.people.get(badge)
        return Refused("unknown_badge") if found is None else Proof(found, {"x-seen": badge})


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth]) -> Auth:
    settings = ProviderSettings(kind="badge", roles={"member": ("*",)})
    people = {"1": person("badge", "1", "ann"), "2": person("other", "1", "bob")}
    return make_auth(Badge(name="badge", settings=settings, people=people))


def test_a_request_that_proves_itself_is_let_in(auth: Auth, client: Client) -> None:
    """The outcome is a session like any other, and the provider's headers go into the answer."""
    outcome, headers = auth.authenticate_request("badge", {"x-badge": "1"}, client, "/after")

    assert isinstance(outcome, LoggedIn)
    assert (outcome.user.username, outcome.to, outcome.session.provider) == ("ann", "/after", "badge")
    assert headers == {"x-seen": "1"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Challenge({"www-authenticate": "Badge"})),
        ({"x-badge": "9"}, Refused("unknown_badge")),
        ({"x-badge": "down"}, Unavailable("badge", "unreachable")),
    ],
    ids=["nothing", "unknown", "down"],
)
def test_any_other_is_not(auth: Auth, client: Client, headers: Headers, expected: Any) -> None:
    """Without a proof there is a challenge, a refusal, or nobody who can say."""
    assert auth.authenticate_request("badge", headers, client)[0] == expected


@pytest.mark.sec("ASVS-6.8.1")
def test_it_speaks_for_itself_only(auth: Auth, client: Client) -> None:
    """An identity of another source is refused here as well."""
    outcome, _ = auth.authenticate_request("badge", {"x-badge": "2"}, client)

    assert isinstance(outcome, Refused)
    assert outcome.code == "wrong_source"


@pytest.mark.parametrize("name", ["nobody", "local"])
def test_a_provider_of_another_kind_reads_no_requests(auth: Auth, client: Client, name: str) -> None:
    """Only a request provider is asked."""
    assert auth.authenticate_request(name, {"x-badge": "1"}, client) == (Refused("unknown_provider"), {})
