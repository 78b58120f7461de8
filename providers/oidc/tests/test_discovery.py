from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Redirect, Transaction, Unavailable
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply
from onegov_auth_oidc import OIDCProvider, OIDCSettings
from onegov_auth_oidc.discovery import read_metadata, remembered_metadata
from onegov_auth_oidc.errors import OIDCUnreachableError

Make = Callable[..., OIDCProvider]
WELL_KNOWN = "/.well-known/openid-configuration"


def start(provider: OIDCProvider) -> Redirect | Unavailable:
    return provider.start(Transaction("state", "redirect", provider.name, "/", {}, provider.services.clock()))


def unavailable(provider: OIDCProvider) -> str:
    outcome = start(provider)
    assert isinstance(outcome, Unavailable), outcome
    assert outcome.provider == "company"
    return outcome.code


@pytest.mark.sec("OIDC-29")
def test_the_metadata_says_where_to_go(op: HostileOidcProvider, make: Make) -> None:
    """All addresses come from the well-known document."""
    op.metadata = {"authorization_endpoint": f"{op.issuer}/elsewhere?tenant=1"}
    outcome = start(make())

    assert isinstance(outcome, Redirect)
    assert outcome.url.startswith(f"{op.issuer}/elsewhere?tenant=1&")
    assert op.paths() == [WELL_KNOWN]


@pytest.mark.sec("OIDC-31", "OIDCX-14", "ASVS-10.5.3", "AUTHLIB-01")
@pytest.mark.parametrize("change", ["1", "/", " ", "upper", "absent", "list"])
def test_another_issuers_metadata_is_not_used(op: HostileOidcProvider, make: Make, change: str) -> None:
    """Unless the issuer is the configured one, character by character, the browser is not sent anywhere."""
    others: dict[str, Any] = {"upper": op.issuer.upper(), "absent": ABSENT, "list": [op.issuer]}
    op.metadata = {"issuer": others.get(change, op.issuer + change)}

    assert unavailable(make()) == "issuer_mismatch"
    assert op.paths() == [WELL_KNOWN]


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("value", [ABSENT, None, 1, ""], ids=["absent", "null", "number", "empty"])
def test_an_endpoint_must_be_there(op: HostileOidcProvider, make: Make, name: str, value: object) -> None:
    """Without an endpoint a login needs, none is begun."""
    op.metadata = {name: value}

    assert unavailable(make()) == "metadata"


@pytest.mark.sec("OAUTH-26", "OAUTH-22")
@pytest.mark.parametrize(
    "name",
    ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"],
)
@pytest.mark.parametrize("url", ["http://id.example.com/x", "http://localhost@evil.example/", "javascript:alert(1)"])
def test_an_endpoint_must_be_secure(op: HostileOidcProvider, make: Make, name: str, url: str) -> None:
    """No browser and no secret is sent to an address without TLS, whichever it is."""
    op.metadata = {name: url}

    assert unavailable(make()) == "metadata"


def test_an_https_issuer_names_no_plain_endpoint() -> None:
    """An issuer over TLS can't lead to this machine without it."""
    block = {"kind": "oidc", "issuer": "https://id.example.com", "client_id": "app", "client_secret": "s3cret"}
    settings = OIDCSettings.model_validate(block)
    document = {"issuer": "https://id.example.com", "authorization_endpoint": "http://localhost/a"}

    with pytest.raises(OIDCUnreachableError, match="authorization_endpoint must begin with https"):
        read_metadata(document, settings)


@pytest.mark.sec("OIDCX-35")
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(404), "http_status"),
        (Reply(500), "http_status"),
        (Reply(302, [], {"Location": "http://127.0.0.1:1/"}), "http_status"),
        (Reply(200, [b"<html>"]), "garbage"),
        (Reply(200, [b"{" * 100_000]), "garbage"),
    ],
    ids=["404", "500", "redirect", "html", "nested"],
)
def test_without_metadata_no_login_is_begun(op: HostileOidcProvider, make: Make, reply: Reply, code: str) -> None:
    """An answer that can't be used is said to be one, and is forgotten at once."""
    provider = make()
    op.replies[WELL_KNOWN] = reply
    assert unavailable(provider) == code
    del op.replies[WELL_KNOWN]

    assert isinstance(start(provider), Redirect)


def test_the_metadata_is_kept_for_ten_minutes(op: HostileOidcProvider, make: Make, clock: FakeClock) -> None:
    """A second login asks for no metadata; after ten minutes it is asked for again."""
    provider = make()
    start(provider)
    start(provider)
    assert op.paths() == [WELL_KNOWN]

    clock.advance(600)
    start(provider)

    assert op.paths() == [WELL_KNOWN] * 2


@pytest.mark.parametrize("how", ["off", "out of order"])
def test_a_provider_that_was_switched_off_is_noticed(op: HostileOidcProvider, make: Make, how: str) -> None:
    """Though the metadata is known, nobody is sent to a server that is not there."""
    provider = make()
    start(provider)
    if how == "off":
        op.close()
    else:
        op.replies[WELL_KNOWN] = Reply(502)

    assert unavailable(provider) in {"unreachable", "http_status"}


@pytest.mark.sec("OAUTH-08", "OAUTH-13")
@pytest.mark.parametrize("change", [{"issuer": "https://other"}, {"token_endpoint": "http://evil.example"}, None, 1])
def test_what_was_remembered_is_checked_again(op: HostileOidcProvider, make: Make, change: object) -> None:
    """A login that began with another issuer, or remembers an insecure address, is not gone on with."""
    provider = make()
    outcome = start(provider)
    assert isinstance(outcome, Redirect)
    server = json.loads(json.dumps(outcome.remember["server"]))
    changed = {**server, **change} if isinstance(change, dict) else change

    assert remembered_metadata(server, provider.settings) is not None
    assert remembered_metadata(changed, provider.settings) is None
