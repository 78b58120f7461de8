from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from onegov_auth.providers import Callback, Redirect, Refused, Transaction, VerifiedIdentity
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.hints import read_hints

Make = Callable[..., OIDCProvider]
Hinted = Callable[[OIDCProvider, Mapping[str, str]], tuple[Redirect, Transaction]]


@pytest.fixture(name="hinted")
def _hinted(clock: FakeClock) -> Hinted:
    """Begins a login with hints, which are not stored: what has to be checked the provider remembers itself."""

    def hinted(provider: OIDCProvider, hints: Mapping[str, str]) -> tuple[Redirect, Transaction]:
        state, expires = secrets.token_urlsafe(32), clock() + timedelta(minutes=10)
        pending = Transaction(state, "redirect", provider.name, "/", {}, expires)
        redirect = provider.start(replace(pending, hints=hints))
        assert isinstance(redirect, Redirect), redirect
        return redirect, replace(pending, data=json.loads(json.dumps(dict(redirect.remember))))

    return hinted


def asked(redirect: Redirect) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(redirect.url).query, strict_parsing=True))


def test_hints_are_handed_on(make: Make, hinted: Hinted) -> None:
    """The five that are known go along, everything else stays here."""
    hints = {
        "prompt": "none",
        "login_hint": "jane@example.org",
        "max_age": "300",
        "acr_values": "gold silver",
        "ui_locales": "de fr",
        "client_id": "other",
        "redirect_uri": "https://evil.example",
        "response_type": "token",
    }
    found = asked(hinted(make(), hints)[0])

    assert {name: found[name] for name in list(hints)[:5]} == {name: hints[name] for name in list(hints)[:5]}
    assert (found["client_id"], found["response_type"]) == ("example-app", "code")
    assert "evil" not in found["redirect_uri"]


def test_without_hints_nothing_is_asked_for(make: Make, hinted: Hinted) -> None:
    """A plain login has no parameter that would need one."""
    redirect, transaction = hinted(make(), {})

    assert not {"prompt", "login_hint", "max_age", "acr_values", "ui_locales", "claims"} & set(asked(redirect))
    assert set(transaction.data) == {"nonce", "verifier", "server"}


@pytest.mark.parametrize("value", ["", "a\nb", "x" * 256, "\x00"], ids=ascii)
def test_a_hint_that_is_no_text_is_dropped(value: str) -> None:
    """What can't be a name is not asked for."""
    assert read_hints({"login_hint": value}).handed_on == {}


@pytest.mark.sec("AUTHLIB-07")
@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "1" * 10, " 1"], ids=repr)
def test_a_mistyped_age_begins_no_login(make: Make, clock: FakeClock, value: str) -> None:
    """A demand that can't be read must not be forgotten."""
    provider = make()
    pending = Transaction("s" * 43, "redirect", "company", "/", {}, clock(), hints={"max_age": value})

    with pytest.raises(ValueError, match="max_age"):
        provider.start(pending)


@pytest.mark.sec("AUTHLIB-07", "ASVS-6.8.4", "ASVS-10.3.4")
@pytest.mark.parametrize(
    ("ago", "accepted"), [(0, True), (359, True), (360, False), (-59, True), (-61, False), (None, False), ("x", False)]
)
def test_a_demanded_age_is_checked(
    op: HostileOidcProvider, make: Make, hinted: Hinted, clock: FakeClock, ago: object, accepted: bool
) -> None:
    """Who has to prove anew who they are has to have done so since, a minute of clocks apart."""
    now = int(clock().timestamp())
    op.claims = {"auth_time": ABSENT if ago is None else now - ago if isinstance(ago, int) else ago}
    provider = make()
    redirect, transaction = hinted(provider, {"max_age": "300"})
    outcome = provider.finish(Callback(op.authorize(redirect.url)), transaction)

    assert isinstance(outcome, VerifiedIdentity) is accepted, outcome
    assert accepted or (isinstance(outcome, Refused) and outcome.code == "invalid_id_token_auth_time")


@pytest.mark.sec("AUTHLIB-08", "ASVS-6.8.4", "ASVS-10.3.4")
@pytest.mark.parametrize(("acr", "accepted"), [("gold", True), ("silver", False), ("bronze", False), (ABSENT, False)])
def test_a_demanded_class_is_checked(
    op: HostileOidcProvider, make: Make, hinted: Hinted, acr: object, accepted: bool
) -> None:
    """What one login demands comes on top of what the settings do, and is asked for in their place."""
    op.claims = {"acr": acr}
    provider = make(acr=["gold", "silver"])
    redirect, transaction = hinted(provider, {"acr_values": "gold"})
    outcome = provider.finish(Callback(op.authorize(redirect.url)), transaction)

    assert asked(redirect)["acr_values"] == "gold"
    assert isinstance(outcome, VerifiedIdentity) is accepted, outcome
    assert accepted or (isinstance(outcome, Refused) and outcome.code == "invalid_id_token_acr")


@pytest.mark.sec("AUTHLIB-08", "ASVS-10.3.4")
def test_a_demanded_class_takes_no_other_ones_place(op: HostileOidcProvider, make: Make, hinted: Hinted) -> None:
    """What the settings demand holds for a login as well that was begun for something else."""
    op.claims = {"acr": "silver"}
    provider = make(acr=["gold"])
    redirect, transaction = hinted(provider, {"acr_values": "silver"})
    outcome = provider.finish(Callback(op.authorize(redirect.url)), transaction)

    assert isinstance(outcome, Refused), outcome
    assert outcome.code == "invalid_id_token_acr"


@pytest.mark.sec("ASVS-10.3.4")
@pytest.mark.parametrize("supported", [True, False, ABSENT])
def test_a_class_is_demanded_where_that_is_possible(
    op: HostileOidcProvider, make: Make, hinted: Hinted, supported: object
) -> None:
    """A provider that knows single claims is told that this one is essential (OpenID Connect Core §5.5.1.1)."""
    op.metadata = {"claims_parameter_supported": supported}
    found = asked(hinted(make(acr=["gold"]), {})[0])
    essential = {"id_token": {"acr": {"essential": True, "values": ["gold"]}}}

    assert found["acr_values"] == "gold"
    assert (json.loads(found["claims"]) if supported is True else found.get("claims")) == (
        essential if supported is True else None
    )


@pytest.mark.parametrize(
    ("block", "claims"),
    [
        ({"amr": ["otp"]}, {"amr": {"essential": True}}),
        ({"trust_amr": ["otp"]}, {"amr": None}),
        ({"acr": ["a"], "amr": ["b"]}, {"acr": {"essential": True, "values": ["a"]}, "amr": {"essential": True}}),
    ],
    ids=["demanded", "trusted", "both"],
)
def test_methods_are_asked_for_where_that_is_possible(
    op: HostileOidcProvider, make: Make, hinted: Hinted, block: dict[str, Any], claims: dict[str, object]
) -> None:
    """Some providers name the methods only when asked to (OpenID Connect Core §5.5.1)."""
    op.metadata = {"claims_parameter_supported": True}
    found = asked(hinted(make(**block), {})[0])

    assert json.loads(found["claims"]) == {"id_token": claims}
    assert ("acr_values" in found) is ("acr" in block)


@pytest.mark.sec("AUTHLIB-08", "ASVS-6.8.4")
@pytest.mark.parametrize(
    ("amr", "accepted"), [(["pwd", "otp"], True), (["hwk"], True), (["pwd"], False), ([], False), ("otp", False)]
)
def test_a_demanded_method_is_checked(
    op: HostileOidcProvider, make: Make, log_in: Callable[..., Any], amr: object, accepted: bool
) -> None:
    """One of the demanded methods has to be among those that were used (RFC 8176)."""
    op.claims = {"amr": amr}
    outcome = log_in(make(amr=["otp", "hwk"]))

    assert isinstance(outcome, VerifiedIdentity) is accepted, outcome
    assert accepted or outcome.code == "invalid_id_token_amr"


def test_how_somebody_logged_in_is_in_the_log(op: HostileOidcProvider, make: Make, log_in: Callable[..., Any]) -> None:
    """Methods and class stand in the event's steps, in one line and of limited length."""
    op.claims = {"amr": ["pwd", "otp\n"], "acr": "x" * 500}
    step = next(step for step in log_in(make()).steps if step.name == "id_token")

    assert step.detail.startswith("verified, RS256, amr otp? pwd, acr xxx")
    assert len(step.detail) == 200
