"""What the provider calls here: back-channel and front-channel logout, and a login that somebody else asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.providers import Answer, Callback, Client, Refused, Services, Start, VerifiedIdentity
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, make_pair
from onegov_auth_oidc import OIDCProvider, OIDCSettings

OP = Client(address="203.0.113.9")


@dataclass
class Kept:
    """Notes what it is asked to end, and answers as it is told."""

    answer: int | Refused = 1
    asked: list[dict[str, Any]] = field(default_factory=list)

    def end(self, client: Client, *, valid_for: timedelta = timedelta(), **named: str | None) -> int | Refused:
        """Nothing is ended: there are no sessions here."""
        assert client is OP
        self.asked.append({**named, "valid_for": valid_for})
        return self.answer

    def once(self, key: str, valid_for: timedelta) -> bool:
        """Nobody asks."""
        raise NotImplementedError


@pytest.fixture(name="kept")
def _kept() -> Kept:
    return Kept()


@pytest.fixture(name="call")
def _call(op: HostileOidcProvider, services: Services, kept: Kept) -> Callable[..., Any]:
    """Calls an endpoint of the relying party of ``op``; ``block`` changes its settings."""
    provided: Any = kept

    def call(endpoint: str, params: dict[str, str], method: str = "POST", **block: Any) -> Any:
        right = {"kind": "oidc", "issuer": op.issuer, "client_id": op.client_id, "client_secret": op.client_secret}
        settings = OIDCSettings.model_validate({**right, **block})
        provider = OIDCProvider.create("company", settings, replace(services, sessions=provided))
        return provider.routes()[endpoint](Callback(params, method), OP)

    return call


Call = Callable[..., Any]


@pytest.mark.sec("OIDC-47")
def test_a_logout_token_ends_sessions(op: HostileOidcProvider, call: Call, kept: Kept) -> None:
    """200, not to be kept, and exactly what the token named is ended, under its own id."""
    op.logout_claims = {"sid": "s-1", "jti": "j-1"}
    answer = call("backchannel-logout", {"logout_token": op.logout_token()})

    assert (answer.status, answer.body, answer.headers) == (200, "", {"Cache-Control": "no-store"})
    expected = {"provider_session": "s-1", "source_id": "248289761001", "once": "j-1"}
    assert kept.asked == [{**expected, "valid_for": timedelta(minutes=12)}]


def test_a_token_is_remembered_longer_than_it_is_good(op: HostileOidcProvider, call: Call, kept: Kept) -> None:
    """From the first moment it is good, a minute before it was issued, until it is too old."""
    call("backchannel-logout", {"logout_token": op.logout_token()}, leeway="30s")
    assert kept.asked[0]["valid_for"] == timedelta(minutes=11)


def check_refused(answer: Answer, why: str) -> None:
    assert (answer.status, answer.content_type) == (400, "application/json")
    assert answer.headers == {"Cache-Control": "no-store"}
    assert json.loads(answer.body) == {"error": "invalid_request", "error_description": why}


def test_a_wrong_token_ends_nothing(op: HostileOidcProvider, call: Call, kept: Kept) -> None:
    """400 with the rule that was broken, as JSON."""
    op.logout_claims = {"nonce": "n"}
    check_refused(call("backchannel-logout", {"logout_token": op.logout_token()}), "invalid_logout_token_nonce")
    check_refused(call("backchannel-logout", {}), "missing_logout_token")
    check_refused(call("backchannel-logout", {"logout_token": "x"}), "invalid_logout_token_format")
    assert kept.asked == []


@pytest.mark.sec("OIDCX-33")
@pytest.mark.parametrize("code", ["replayed", "wrong_person"])
def test_what_the_sessions_refuse(op: HostileOidcProvider, call: Call, kept: Kept, code: str) -> None:
    """A token that was used before, or names somebody else's session, is a 400 as well."""
    kept.answer = Refused(code)
    check_refused(call("backchannel-logout", {"logout_token": op.logout_token()}), code)


def test_only_posts(op: HostileOidcProvider, call: Call, kept: Kept) -> None:
    """A link with a token in it does nothing."""
    answer = call("backchannel-logout", {"logout_token": op.logout_token()}, method="GET")
    assert (answer.status, answer.headers["Allow"], kept.asked) == (405, "POST", [])


def test_keys_that_can_not_be_had(op: HostileOidcProvider, call: Call, kept: Kept) -> None:
    """Nobody can say whether the token is right: the provider may try again."""
    token = op.logout_token()
    op.close()
    answer = call("backchannel-logout", {"logout_token": token})

    assert (answer.status, json.loads(answer.body)["error"], kept.asked) == (503, "temporarily_unavailable", [])


def test_a_key_that_is_not_sub(op: HostileOidcProvider, call: Call, kept: Kept) -> None:
    """Where people are known by another claim, a session id is needed; ``sub`` is compared with nothing."""
    op.logout_claims = {"sid": "s-1"}
    assert call("backchannel-logout", {"logout_token": op.logout_token()}, claims={"id": "oid"}).status == 200
    assert (kept.asked[0]["provider_session"], kept.asked[0]["source_id"]) == ("s-1", None)
    op.logout_claims = {"sid": ABSENT}
    answer = call("backchannel-logout", {"logout_token": op.logout_token()}, claims={"id": "oid"})
    check_refused(answer, "logout_token_without_sid")


def test_draft_tokens_by_a_switch(op: HostileOidcProvider, call: Call) -> None:
    """``logout.draft_tokens`` takes a token that does not say what it is."""
    op.logout_header = {"typ": ABSENT}
    check_refused(call("backchannel-logout", {"logout_token": op.logout_token()}), "invalid_logout_token_typ")
    token = {"logout_token": op.logout_token()}
    assert call("backchannel-logout", token, logout={"draft_tokens": True}).status == 200


@pytest.mark.sec("OIDC-33", "OIDCX-36")
def test_invented_keys_cost_no_login_its_search(
    op: HostileOidcProvider, make: Callable[..., OIDCProvider], log_in: Callable[..., Any], kept: Kept
) -> None:
    """Anybody may send logout tokens; a login after the keys were changed still finds the new one."""
    given: Any = kept
    provider = make()
    provider = replace(provider, services=replace(provider.services, sessions=given))
    honest, op.keys = op.keys, [make_pair("invented", number=1)]
    invented, op.keys = op.logout_token(), honest
    call: Callable[..., Any] = provider.routes()["backchannel-logout"]
    for _ in range(3):
        check_refused(call(Callback({"logout_token": invented}, "POST"), OP), "invalid_logout_token_unknown_key")
    searches = op.paths().count("/jwks")
    op.before_signing = lambda: setattr(op, "keys", [make_pair("two", number=1), *honest])

    assert isinstance(log_in(provider), VerifiedIdentity)
    assert searches == 2


@pytest.mark.sec("OIDC-55", "OIDC-56")
def test_a_frame_ends_a_session(op: HostileOidcProvider, call: Call, kept: Kept) -> None:
    """With issuer and session id that session is over; only the provider may frame the answer."""
    params = {"iss": op.issuer, "sid": "s-1"}
    answer = call("frontchannel-logout", params, method="GET", logout={"frontchannel": True})

    assert (answer.status, answer.content_type) == (200, "text/html")
    assert kept.asked == [{"provider_session": "s-1", "valid_for": timedelta()}]
    policy = f"default-src 'none'; frame-ancestors {op.issuer}"
    assert answer.headers == {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


@pytest.mark.sec("OIDC-55")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": ""},
        {"sid": ""},
        {"sid": "a\x00"},
        {"sid": "x" * 256},
        {"sid": None},
        {"iss": None},
    ],
    ids=lambda changes: ascii(changes)[:20],
)
def test_a_frame_without_both_ends_nothing(
    op: HostileOidcProvider, call: Call, kept: Kept, changes: dict[str, str | None]
) -> None:
    """Any site can make a browser load a frame: without issuer and session id nothing happens."""
    params = {name: value for name, value in {"iss": op.issuer, "sid": "s-1", **changes}.items() if value is not None}
    assert call("frontchannel-logout", params, method="GET", logout={"frontchannel": True}).status == 400
    assert kept.asked == []


@pytest.mark.sec("OIDC-55")
def test_a_form_ends_no_session(op: HostileOidcProvider, call: Call, kept: Kept) -> None:
    """A frame is loaded by GET, and by nothing else (OpenID Connect Front-Channel Logout §2)."""
    params = {"iss": op.issuer, "sid": "s-1"}

    assert call("frontchannel-logout", params, logout={"frontchannel": True}).status == 400
    assert kept.asked == []


def test_what_is_switched_off_is_not_there(
    make: Callable[..., OIDCProvider], services: Services, op: HostileOidcProvider, kept: Kept
) -> None:
    """Front-channel logout is off unless asked for, back-channel logout can be; without sessions there is neither."""
    provided: Any = kept
    with_sessions = replace(services, sessions=provided)

    def routes(**block: Any) -> set[str]:
        settings = make(**block).settings
        return set(OIDCProvider.create("company", settings, with_sessions).routes())

    assert routes() == {"initiate", "backchannel-logout"}
    assert routes(logout={"backchannel": False}) == {"initiate"}
    assert routes(logout={"frontchannel": True}) == {"initiate", "backchannel-logout", "frontchannel-logout"}
    assert set(make(logout={"frontchannel": True}).routes()) == {"initiate"}


@pytest.mark.sec("OIDC-43")
def test_somebody_else_asks_for_a_login(op: HostileOidcProvider, call: Call) -> None:
    """The provider's portal sends people here: where they shall end up, and who they say they are, is handed on."""
    asked = {"iss": op.issuer, "login_hint": "jane", "target_link_uri": "https://app.example.org/here"}
    assert call("initiate", asked) == Start("https://app.example.org/here", {"login_hint": "jane"})
    assert call("initiate", {"iss": op.issuer}, method="GET") == Start("/", {})
    assert op.calls == []


@pytest.mark.sec("OIDCX-34")
@pytest.mark.parametrize("change", [str.upper, lambda issuer: f"{issuer}/", lambda issuer: issuer[:-1], lambda _: ""])
def test_an_unknown_issuer_is_not_asked(op: HostileOidcProvider, call: Call, change: Callable[[str], str]) -> None:
    """Only the configured issuer, character by character; nobody is asked who another one is."""
    assert call("initiate", {"iss": change(op.issuer)}) == Refused("unknown_issuer")
    assert op.calls == []


@pytest.mark.parametrize("hint", ["", "x" * 255, "a\nb", "a\x00"])
def test_a_hint_that_is_none(op: HostileOidcProvider, call: Call, hint: str) -> None:
    """What nobody could have typed is left out."""
    assert call("initiate", {"iss": op.issuer, "login_hint": hint}) == Start("/", {})


TENANT = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.sec("OIDCX-34")
@pytest.mark.parametrize(
    ("issuer", "known"),
    [
        (f"https://login.microsoftonline.com/{TENANT}/v2.0", True),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", False),
        ("https://login.microsoftonline.com/x/v2.0", False),
        (f"https://login.microsoftonline.com/{TENANT}/x/v2.0", False),
        (f"https://evil.example/{TENANT}/v2.0", False),
        ("", False),
    ],
)
def test_an_issuer_that_organisations_share(call: Call, issuer: str, known: bool) -> None:
    """Entra ID names the organisation in its issuer; anything else is none of its."""
    shared = "https://login.microsoftonline.com/{tenantid}/v2.0"
    answer = call("initiate", {"iss": issuer}, preset="microsoft", issuer=shared, allowed_tenants=[TENANT])
    assert isinstance(answer, Start) is known
