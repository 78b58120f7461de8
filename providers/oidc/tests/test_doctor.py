from __future__ import annotations

import json
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest
from joserfc.jwk import ECKey

from onegov_auth.providers import Check, CheckState
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply, make_pair
from onegov_auth_oidc import OIDCProvider

Make = Callable[..., OIDCProvider]

CALLBACK = "https://app.example.org/auth/provider/company/callback"


def states(provider: OIDCProvider, **claims: Any) -> dict[str, CheckState]:
    return {check.name: check.state for check in provider.check("jane", claims or None)}


def found(provider: OIDCProvider, name: str, **claims: Any) -> Check:
    return {check.name: check for check in provider.check(claims=claims or None)}[name]


def test_a_healthy_provider(op: HostileOidcProvider, make: Make) -> None:
    """All is well but what a test provider lacks, and every address to register is listed."""
    op.metadata = {"backchannel_logout_supported": True}

    assert states(make()) == {
        "DNS": CheckState.OK,
        "TLS": CheckState.WARNING,
        "discovery": CheckState.OK,
        "clock": CheckState.OK,
        "issuer": CheckState.OK,
        "id_token_alg": CheckState.OK,
        "client_auth": CheckState.OK,
        "response_mode": CheckState.OK,
        "PKCE": CheckState.OK,
        "keys": CheckState.OK,
        "logout": CheckState.OK,
        "client authentication": CheckState.OK,
        "redirect URI": CheckState.OK,
        "post-logout redirect URI": CheckState.SKIPPED,
        "back-channel logout URI": CheckState.SKIPPED,
        "initiate login URI": CheckState.SKIPPED,
        "login": CheckState.SKIPPED,
    }


def test_what_to_register_is_told(make: Make) -> None:
    """Each address is shown to be copied, also when the provider can't be reached."""
    below = "https://app.example.org/auth/provider/company"
    told = {check.name: check.detail for check in make(logout={"frontchannel": True}).check()}

    assert told["redirect URI"] == f"{below}/callback"
    assert told["post-logout redirect URI"] == f"{below}/logout"
    assert told["back-channel logout URI"] == f"{below}/backchannel-logout"
    assert told["front-channel logout URI"] == f"{below}/frontchannel-logout"


@pytest.mark.parametrize(
    ("reply", "name", "words"),
    [
        (Reply(404), "discovery", "there is no OpenID provider"),
        (Reply(200, [b"<html>"]), "discovery", "there is no OpenID provider"),
        (Reply(200, [b'{"issuer": "https://other"}']), "issuer", "exactly as the provider does"),
    ],
    ids=["404", "html", "issuer"],
)
def test_no_metadata(op: HostileOidcProvider, make: Make, reply: Reply, name: str, words: str) -> None:
    """What failed comes with a hint, and nothing more is asked of a provider that is not the right one."""
    op.replies["/.well-known/openid-configuration"] = reply
    op.replies["/.well-known/oauth-authorization-server"] = reply
    provider = make()

    assert states(provider)[name] is CheckState.FAILED
    assert words in found(provider, name).hint
    assert not {"/jwks", "/token"} & set(op.paths())


def test_another_issuer_is_named(op: HostileOidcProvider, make: Make) -> None:
    """What the provider calls itself is shown, to be copied."""
    op.metadata = {"issuer": "https://id.example.com/realms/main/"}

    assert found(make(), "issuer").detail == "it says of itself https://id.example.com/realms/main/"


def test_an_address_that_is_not_secure(op: HostileOidcProvider, make: Make) -> None:
    """Metadata that names an address without TLS is refused, and which one it is said."""
    op.metadata = {"token_endpoint": "http://id.example.com/token"}

    assert found(make(), "metadata").detail.startswith("token_endpoint ")


@pytest.mark.parametrize(
    ("seconds", "state", "words"),
    [
        (0, CheckState.OK, "the same as here"),
        (30, CheckState.WARNING, "s behind"),
        (-30, CheckState.WARNING, "s ahead"),
        (600, CheckState.FAILED, "leeway is 60 s"),
    ],
)
def test_clocks_are_compared(make: Make, clock: FakeClock, seconds: int, state: CheckState, words: str) -> None:
    """Beyond the leeway nobody could log in; below it somebody should look after the clocks."""
    provider = make()
    clock.advance(seconds)
    check = found(provider, "clock")

    assert check.state is state
    assert words in check.detail


@pytest.mark.parametrize("date", ["", "soon", f"Mon, 01 Jan {10**30} 00:00:00 GMT"], ids=["none", "text", "huge"])
def test_a_clock_that_tells_no_time(op: HostileOidcProvider, make: Make, date: str) -> None:
    """A provider that says nothing of the time, or of one that no calendar has, is looked at all the same."""
    metadata = [json.dumps(op.published()).encode()]
    op.replies["/.well-known/openid-configuration"] = Reply(200, metadata, {"Date": date})
    states_found = states(make())

    assert states_found["clock"] is CheckState.SKIPPED
    assert states_found["client authentication"] is CheckState.OK


@pytest.mark.parametrize(
    ("block", "state", "words"),
    [
        ({}, CheckState.OK, "client_secret_basic: the client is known"),
        ({"client_auth": "client_secret_post"}, CheckState.OK, "client_secret_post: the client is known"),
        ({"client_secret": "wrong"}, CheckState.FAILED, "credentials"),
        ({"client_id": "other"}, CheckState.FAILED, "credentials"),
    ],
    ids=["basic", "post", "secret", "id"],
)
def test_the_client_is_tried(
    op: HostileOidcProvider, make: Make, block: dict[str, str], state: CheckState, words: str
) -> None:
    """An invented code is exchanged, which tells whether the provider knows this application."""
    check = found(make(**block), "client authentication")

    assert check.state is state
    assert words in check.detail
    assert op.call("/token").form["code"] == "onegov-auth-check"


def test_a_signed_client_is_tried(op: HostileOidcProvider, make: Make) -> None:
    """With private_key_jwt an assertion is sent, and the address of the keys is told."""
    private = make_pair("one", "EC").private
    assert isinstance(private, ECKey)
    pem = private.as_pem(private=True).decode()
    provider = make(client_auth="private_key_jwt", client_secret=None, client_keys=[pem])
    op.replies["/token"] = Reply(400, [b'{"error": "invalid_grant"}'])

    assert states(provider)["client authentication"] is CheckState.OK
    assert op.call("/token").form["client_assertion"].count(".") == 2
    assert found(provider, "JWKS URI").detail.endswith("/jwks")


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        (Reply(400, [b'{"error": "invalid_request"}']), CheckState.WARNING, "nothing can be told"),
        (Reply(500), CheckState.FAILED, "answered 500"),
        (
            Reply(200, [b'{"access_token": "a", "token_type": "Bearer", "id_token": "a"}']),
            CheckState.FAILED,
            "takes an invented code",
        ),
    ],
    ids=["own words", "ill", "takes all"],
)
def test_a_strange_token_endpoint(
    op: HostileOidcProvider, make: Make, reply: Reply, state: CheckState, words: str
) -> None:
    """What can't be told is said not to be known; what must not be fails."""
    op.replies["/token"] = reply
    check = found(make(), "client authentication")

    assert check.state is state
    assert words in check.detail


@pytest.mark.sec("LOG-02")
def test_no_secret_is_shown(op: HostileOidcProvider, make: Make) -> None:
    """Neither the secret nor what a provider repeats of it is in any step."""
    op.replies["/token"] = Reply(400, [b'{"error": "invalid_client", "error_description": "s3cret-canary"}'])
    steps = repr(list(make(client_secret="s3cret-canary").check()))

    assert "s3cret-canary" not in steps
    assert "Basic" not in steps


def test_written_addresses(op: HostileOidcProvider, make: Make) -> None:
    """Nothing is discovered where the addresses stand in the settings; keys and client are tried all the same."""
    endpoints = {name: f"{op.issuer}/{name}" for name in ("authorization", "token", "jwks")}
    told = states(make(endpoints=endpoints))

    assert told["discovery"] is CheckState.SKIPPED
    assert told["keys"] is told["client authentication"] is CheckState.OK
    assert "/.well-known/openid-configuration" not in op.paths()


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"response_modes_supported": ["fragment"]}, "response_mode"),
        ({"scopes_supported": ["openid"]}, "scope"),
        ({"backchannel_logout_supported": False}, "back-channel logout"),
        ({"id_token_signing_alg_values_supported": ["ES256"]}, "id_token_alg"),
        ({"id_token_signing_alg_values_supported": ABSENT}, "id_token_alg"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "client_auth"),
        ({"token_endpoint_auth_methods_supported": "all"}, "client_auth"),
        ({"code_challenge_methods_supported": ABSENT}, "PKCE"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"end_session_endpoint": ABSENT}, "logout"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_a_warning(
    op: HostileOidcProvider, make: Make, metadata: dict[str, object], name: str
) -> None:
    """Metadata may be wrong or incomplete, so that what it does not list is a warning."""
    op.metadata = metadata

    assert states(make())[name] is CheckState.WARNING


def test_the_standards_default_counts(op: HostileOidcProvider, make: Make) -> None:
    """A provider that lists no client authentication knows the one by header (Discovery §3)."""
    op.metadata = {"token_endpoint_auth_methods_supported": ABSENT}

    assert states(make())["client_auth"] is CheckState.OK


def test_a_public_client_is_well(make: Make) -> None:
    """Few providers list that a client may have no secret."""
    assert states(make(client_auth="none"))["client_auth"] is CheckState.OK


@pytest.mark.parametrize("how", ["down", "other keys"])
def test_keys_that_cannot_be_used_fail(op: HostileOidcProvider, make: Make, how: str) -> None:
    """Without a key for the pinned algorithm nobody could log in."""
    if how == "down":
        op.replies["/jwks"] = Reply(500)
    op.keys = [make_pair("one", "EC")]

    assert states(make())["keys"] is CheckState.FAILED


def test_what_is_switched_off_is_not_looked_at(make: Make) -> None:
    """No logout is wanted, so none is looked for."""
    provider = make(logout={"rp_initiated": False, "backchannel": False})
    names = {"logout", "back-channel logout", "post-logout redirect URI", "back-channel logout URI"}

    assert not names & set(states(provider))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (None, CheckState.OK),
        (Reply(400), CheckState.FAILED),
        (Reply(200), CheckState.SKIPPED),
        (Reply(303, headers={"Location": "https://id.example.org/login"}), CheckState.SKIPPED),
        (
            Reply(303, headers={"Location": "https://app.example.org/auth/provider/company/callback2"}),
            CheckState.SKIPPED,
        ),
        (Reply(200, repeat(b" " * 65536)), CheckState.SKIPPED),
    ],
    ids=["known", "unknown", "page", "login", "other", "too large"],
)
def test_the_redirect_uri_is_tried(
    op: HostileOidcProvider, make: Make, reply: Reply | None, expected: CheckState
) -> None:
    """A provider that leads back there knows it, one that says 400 does not; what else it does tells nothing."""
    if reply is not None:
        op.replies["/authorize"] = reply
    provider = make(response_mode="form_post")

    assert states(provider)["redirect URI"] is expected
    asked = op.call("/authorize").query
    assert asked["prompt"] == "none"
    assert asked["redirect_uri"] == CALLBACK
    assert "response_mode" not in asked


@pytest.mark.parametrize("how", ["metadata", "client"])
def test_the_redirect_uri_that_cannot_be_tried(op: HostileOidcProvider, make: Make, how: str) -> None:
    """Without metadata, or for an unknown client, nothing is told of it; somebody may want to register it anyway."""
    if how == "metadata":
        op.metadata = {"issuer": "https://another.example.org"}
    step = found(make(client_secret="s3cret" if how == "metadata" else "wrong"), "redirect URI")

    assert (step.state, step.detail) == (CheckState.SKIPPED, CALLBACK)
    assert "register it" in step.hint
    assert "/authorize" not in op.paths()
