from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest

from onegov_auth.providers import (
    Callback,
    CheckState,
    ProviderSettings,
    Redirect,
    Refused,
    Services,
    SessionInfo,
    SettingsError,
    Step,
    Transaction,
    Unavailable,
    VerifiedIdentity,
)
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers import OidcProvider
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply
from onegov_auth_oidc import OIDCProvider, OIDCSettings

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]
Begin = Callable[[OIDCProvider], tuple[Redirect, Transaction]]


def session(clock: FakeClock, provider: str = "company", hint: str | None = "hint") -> SessionInfo:
    now = clock()
    return SessionInfo(uuid4(), uuid4(), provider, "1", now, now, now + timedelta(hours=1), logout_hint=hint)


def test_the_identity(op: HostileOidcProvider, make: Make, log_in: LogIn, clock: FakeClock) -> None:
    """Everything that was proven is told, and how it was."""
    signed_in = int(clock().timestamp()) - 100
    op.claims = {"amr": ["pwd", "otp", 1], "acr": "gold", "auth_time": signed_in, "sid": "s1", "locale": "de"}
    identity = log_in(make())

    assert (identity.source, identity.issuer, identity.source_id) == ("company", op.issuer, "248289761001")
    assert (identity.username, identity.email, identity.email_verified) == ("jane@example.org",) * 2 + (True,)
    assert (identity.realname, identity.groups) == ("Jane Doe", frozenset({"staff", "app-admins"}))
    assert (identity.authn.methods, identity.authn.acr) == (frozenset({"pwd", "otp"}), "gold")
    assert (identity.authn.at, identity.authn.session_id) == (datetime.fromtimestamp(signed_in, UTC), "s1")
    assert identity.attributes["locale"] == "de"
    assert not {"nonce", "aud", "iss"} & set(identity.attributes)


@pytest.mark.parametrize(
    "claims",
    [{"amr": "pwd", "acr": 1, "auth_time": "now", "sid": ["s"]}, {"auth_time": 10**300, "amr": None}],
    ids=["types", "numbers"],
)
def test_what_is_nonsense_is_not_told(
    op: HostileOidcProvider, make: Make, log_in: LogIn, claims: dict[str, object]
) -> None:
    """How somebody logged in decides nothing here, so that nonsense is left out."""
    op.claims = claims
    authn = log_in(make()).authn

    assert (authn.methods, authn.acr, authn.at, authn.session_id) == (frozenset(), None, None, None)


def test_the_steps_tell_the_road(make: Make, log_in: LogIn) -> None:
    """The event log is told what was done, one word each."""
    assert [step.name for step in log_in(make(userinfo="always")).steps] == [
        "callback",
        "token",
        "id_token",
        "userinfo",
    ]


def test_a_refusal_tells_how_far_it_went(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """The last step says which rule was broken."""
    op.claims = {"nonce": "other"}

    assert log_in(make()).steps[-2:] == (Step("token", "the code was accepted"), Step("id_token", "nonce"))


# --- UserInfo ---


@pytest.mark.sec("OIDC-14", "OIDC-19")
def test_userinfo_fills_in_what_is_missing(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """What the ID token lacks is asked for, with the access token in the header."""
    op.in_id_token = {"sub"}
    identity = log_in(make())

    assert isinstance(identity, VerifiedIdentity)
    assert (identity.realname, identity.groups) == ("Jane Doe", frozenset({"staff", "app-admins"}))
    assert op.call("/userinfo").headers["authorization"] == "Bearer access"
    assert op.call("/userinfo").query == {}


@pytest.mark.parametrize(
    ("userinfo", "complete", "asked"),
    [("auto", True, False), ("auto", False, True), ("always", True, True), ("never", False, False)],
)
def test_userinfo_is_asked_as_configured(
    op: HostileOidcProvider, make: Make, log_in: LogIn, userinfo: str, complete: bool, asked: bool
) -> None:
    """Automatically only when a mapped claim is missing."""
    op.in_id_token -= set() if complete else {"groups"}

    assert isinstance(log_in(make(userinfo=userinfo)), VerifiedIdentity)
    assert ("/userinfo" in op.paths()) is asked


@pytest.mark.sec("OIDC-16", "OAUTH-17", "AUTHLIB-03")
@pytest.mark.parametrize("sub", ["248289761001invalid", "", None, 248289761001, ABSENT], ids=str)
def test_somebody_elses_userinfo_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn, sub: object) -> None:
    """Another subject's claims, or nobody's, end the login."""
    op.in_id_token = {"sub"}
    op.userinfo = {"sub": sub}
    outcome = log_in(make())

    assert isinstance(outcome, Refused)
    assert outcome.code == "invalid_userinfo_sub"


@pytest.mark.sec("OIDC-26", "OIDC-27")
def test_claims_elsewhere_are_not_fetched(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """Claims that lie elsewhere are not asked for there."""
    op.in_id_token = {"sub"}
    source = {"endpoint": f"{op.issuer}/elsewhere", "access_token": "x"}
    op.userinfo = {"groups": ABSENT, "_claim_names": {"groups": "one"}, "_claim_sources": {"one": source}}
    identity = log_in(make())

    assert isinstance(identity, VerifiedIdentity)
    assert identity.groups is None
    assert "/elsewhere" not in op.paths()


@pytest.mark.parametrize("reply", [Reply(500), Reply(401), Reply(200, [b"a.b.c"]), Reply(302)], ids=lambda r: r.status)
def test_userinfo_that_is_ill_denies_nobody(op: HostileOidcProvider, make: Make, log_in: LogIn, reply: Reply) -> None:
    """Without what is missing nobody gets in, and nobody is told they were wrong."""
    op.in_id_token = {"sub"}
    op.replies["/userinfo"] = reply

    assert isinstance(log_in(make()), Unavailable)


@pytest.mark.parametrize(("userinfo", "kind"), [("auto", Refused), ("always", Unavailable)])
def test_a_provider_without_userinfo(
    op: HostileOidcProvider, make: Make, log_in: LogIn, userinfo: str, kind: type
) -> None:
    """Automatically means if there is such an endpoint; always means that there has to be one."""
    op.in_id_token = {"sub"}
    op.metadata = {"userinfo_endpoint": ABSENT}

    assert isinstance(log_in(make(userinfo=userinfo)), kind)


def test_a_person_that_cannot_be_mapped_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A missing username is named in the steps."""
    op.person["email"] = None
    outcome = log_in(make())

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.steps[-1]) == ("missing_claim", Step("claims", "email"))


# --- logout ---


@pytest.mark.sec("OIDC-44")
def test_logout_sends_the_id_token_back(op: HostileOidcProvider, make: Make, log_in: LogIn, clock: FakeClock) -> None:
    """The provider is told whose session ends by the ID token it gave."""
    provider = make()
    hint = log_in(provider).authn.logout_hint
    redirect = provider.logout(session(clock, hint=hint), "https://app.example.org/")

    assert redirect is not None
    assert redirect.url.startswith(f"{op.issuer}/logout?")
    assert dict(parse_qsl(urlsplit(redirect.url).query))["id_token_hint"] == hint


@pytest.mark.parametrize("why", ["setting", "endpoint", "other session"])
def test_logout_stays_here(op: HostileOidcProvider, make: Make, clock: FakeClock, why: str) -> None:
    """Not wanted, not offered, or not this provider's: the browser stays."""
    op.metadata = {"end_session_endpoint": ABSENT} if why == "endpoint" else {}
    provider = make(logout={"rp_initiated": why != "setting"})
    ended = session(clock, "other" if why == "other session" else "company")

    assert provider.logout(ended, "https://app.example.org/") is None


def test_logout_does_not_need_the_provider(op: HostileOidcProvider, make: Make, clock: FakeClock) -> None:
    """When the provider is down, the session here ends all the same."""
    op.close()

    assert make().logout(session(clock), "https://app.example.org/") is None


def test_no_hint_is_kept_for_a_logout_that_does_not_need_it(make: Make, log_in: LogIn) -> None:
    """What is not needed is not stored (OAUTH-16)."""
    assert log_in(make(logout={"rp_initiated": False})).authn.logout_hint is None


# --- creation ---


def test_only_its_own_settings_make_one() -> None:
    """A block of another kind is a fault."""
    with pytest.raises(SettingsError, match="no block of kind oidc"):
        OIDCProvider.create("company", ProviderSettings(kind="oidc"), Services())


@pytest.mark.parametrize(("button", "expected"), [("", "Log in with **company**"), ("Go", "Go")])
def test_the_button(make: Make, button: str, expected: str) -> None:
    """Without a text of its own the button names the provider."""
    assert make(button=button).button == expected


def test_creation_asks_nothing(op: HostileOidcProvider, make: Make) -> None:
    """A provider that is down does not stop the application from starting."""
    make()

    assert op.calls == []


def test_trouble_is_logged(op: HostileOidcProvider, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """The operator reads which provider can't be asked, and why."""
    caplog.set_level(logging.WARNING)
    provider = make()
    op.close()
    outcome = provider.start(Transaction("state", "redirect", "company", "/", {}, op.clock()))

    assert isinstance(outcome, Unavailable)
    assert outcome.steps == (Step("unavailable", "127.0.0.1 can't be reached"),)
    assert "providers.company: unreachable: 127.0.0.1 can't be reached" in caplog.text


@pytest.mark.sec("OIDCX-32", "OAUTH-14")
def test_a_code_works_once(op: HostileOidcProvider, make: Make, begin: Begin) -> None:
    """The same callback a second time is refused by the provider, which is asked once for each."""
    provider = make()
    redirect, transaction = begin(provider)
    callback = Callback(op.authorize(redirect.url))

    assert isinstance(provider.finish(callback, transaction), VerifiedIdentity)
    assert provider.finish(callback, transaction) == Refused(
        "invalid_grant",
        (Step("callback", "state and issuer are right"), Step("token", "the grant was not accepted")),
    )


@pytest.mark.sec("ASVS-8.4.1")
def test_two_applications_share_nothing(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """Two tenants of one process with a provider of the same name each ask for themselves."""
    provider = make()
    other = replace(provider, services=replace(provider.services, application="other/app"))
    log_in(provider)
    log_in(other)

    assert op.paths().count("/jwks") == 2


@pytest.mark.slow
@pytest.mark.sec("OIDCX-35")
def test_a_provider_that_hangs_is_given_up(op: HostileOidcProvider, make: Make) -> None:
    """A server that takes the connection and says nothing is given up after seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        provider = make(issuer=f"http://127.0.0.1:{silent.getsockname()[1]}")
        outcome = provider.start(Transaction("state", "redirect", "company", "/", {}, op.clock()))

    assert isinstance(outcome, Unavailable)
    assert outcome.code == "timeout"


# --- the certified provider ---


@pytest.fixture(name="company")
def _company(oidc_op: OidcProvider, services: Services) -> Callable[..., OIDCProvider]:
    def company(**block: Any) -> OIDCProvider:
        right = {
            "kind": "oidc",
            "issuer": oidc_op.issuer,
            "client_id": oidc_op.client_id,
            "client_secret": oidc_op.client_secret,
        }
        return OIDCProvider.create("company", OIDCSettings.model_validate(right | block), services)

    return company


@pytest.mark.sec("OIDC-01", "OIDC-13")
@pytest.mark.parametrize("auth", ["client_secret_basic", "client_secret_post", "none"])
@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA", "PS256"])
def test_a_login_at_the_certified_provider(
    oidc_op: OidcProvider, company: Callable[..., OIDCProvider], begin: Begin, auth: str, alg: str
) -> None:
    """Each way to say who the application is and each algorithm works with the certified oidc-provider."""
    callback = "https://app.example.org/auth/provider/company/callback"
    client = oidc_op.add_client(
        redirect_uris=[callback], token_endpoint_auth_method=auth, id_token_signed_response_alg=alg
    )
    secret = client.client_secret or None
    provider = company(client_id=client.client_id, client_secret=secret, client_auth=auth, id_token_alg=alg)
    redirect, transaction = begin(provider)
    params = dict(parse_qsl(urlsplit(oidc_op.log_in(redirect.url, "bob")).query))
    identity = provider.finish(Callback(params), transaction)

    assert isinstance(identity, VerifiedIdentity), identity
    assert identity.source_id == oidc_op.account("bob").sub


def test_the_doctor_finds_the_certified_provider_well(company: Callable[..., OIDCProvider]) -> None:
    """Every step is all right, but for TLS, which it has none of here, and what can't be asked."""
    steps = list(company().check())

    assert [check.name for check in steps if check.state in {CheckState.FAILED, CheckState.WARNING}] == ["TLS"]
    assert {"client authentication", "redirect URI"} <= {check.name for check in steps if check.state is CheckState.OK}
