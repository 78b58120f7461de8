from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from onegov_auth.providers import (
    Answer,
    Callback,
    Client,
    Redirect,
    Secret,
    Services,
    Transaction,
    Unavailable,
    VerifiedIdentity,
)
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers import OidcProvider
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider, make_pair
from onegov_auth_oidc import OIDCProvider, OIDCSettings
from onegov_auth_oidc.client_keys import read_private_key
from onegov_auth_oidc.jws import PinnedRegistry

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]
Begin = Callable[[OIDCProvider], tuple[Redirect, Transaction]]


def pem(number: int = 0, kind: str = "RSA") -> str:
    return cast("RSAKey", make_pair("one", kind, number).private).as_pem(private=True).decode("ascii")


def published(provider: OIDCProvider) -> list[dict[str, Any]]:
    """What the endpoint of the application's own keys answers."""
    answer = provider.routes()["jwks"](Callback({}), Client())
    assert isinstance(answer, Answer)
    return list(json.loads(answer.body)["keys"])


@pytest.fixture(name="asserting")
def _asserting(op: HostileOidcProvider, make: Make) -> Callable[..., OIDCProvider]:
    """Makes a relying party that signs; the provider believes anybody who names the client."""
    op.client_secret = ""

    def asserting(*keys: Secret, **block: Any) -> OIDCProvider:
        signing = {"client_auth": "private_key_jwt", "client_keys": list(keys or (Secret(pem()),))}
        return make(**{"client_secret": None, **signing, **block})

    return asserting


def assertion(op: HostileOidcProvider) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Header and claims of what was sent, and the token itself."""
    token = op.call("/token").form["client_assertion"]
    found = jws.extract_compact(token.encode())
    return dict(found.headers()), json.loads(found.payload), token


@pytest.mark.sec("OAUTH-25")
@pytest.mark.parametrize(("alg", "kind"), [("RS256", "RSA"), ("ES256", "EC"), ("EdDSA", "OKP")])
def test_the_assertion(
    op: HostileOidcProvider, asserting: Make, log_in: LogIn, clock: FakeClock, alg: str, kind: str
) -> None:
    """It is by and about this application, for the issuer alone, and good for a minute (RFC 7523 §3)."""
    provider = asserting(Secret(pem(0, kind)))
    assert isinstance(log_in(provider), VerifiedIdentity)
    header, claims, token = assertion(op)
    form = op.call("/token").form
    now = int(clock().timestamp())

    assert header == {"alg": alg, "typ": "JWT", "kid": published(provider)[0]["kid"]}
    assert (claims["iss"], claims["sub"], claims["aud"]) == (op.client_id, op.client_id, op.issuer)
    assert (claims["iat"], claims["exp"]) == (now, now + 60)
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "authorization" not in op.call("/token").headers
    assert "client_secret" not in form
    registry = PinnedRegistry(algorithms=[alg])
    key = read_private_key(pem(0, kind)).key
    assert json.loads(jws.deserialize_compact(token, key, registry=registry).payload) == claims


@pytest.mark.sec("OAUTH-25")
def test_no_assertion_is_sent_twice(op: HostileOidcProvider, asserting: Make, log_in: LogIn) -> None:
    """Each request has an id of its own."""
    provider = asserting()
    ids = {(log_in(provider), assertion(op)[1]["jti"])[1] for _ in range(3)}

    assert len(ids) == 3


@pytest.mark.sec("OAUTH-25")
def test_the_token_endpoint_may_be_the_audience(op: HostileOidcProvider, asserting: Make, log_in: LogIn) -> None:
    """Providers that want their token endpoint as audience get it."""
    log_in(asserting(assertion_audience="token_endpoint"))

    assert assertion(op)[1]["aud"] == f"{op.issuer}/token"


@pytest.mark.parametrize("audience", ["issuer", "token_endpoint"])
@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_a_certified_provider_takes_it(
    oidc_op: OidcProvider, services: Services, begin: Begin, kind: str, audience: str
) -> None:
    """The npm oidc-provider checks signature, claims and key, and logs the person in."""
    key = read_private_key(pem(5, kind))
    client = oidc_op.add_client(
        redirect_uris=[services.callback_url],
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg=key.alg,
        jwks={"keys": [key.published()]},
    )
    block = {"kind": "oidc", "issuer": oidc_op.issuer, "client_id": client.client_id, "assertion_audience": audience}
    keys = {"client_auth": "private_key_jwt", "client_keys": [pem(5, kind)]}
    provider = OIDCProvider.create("company", OIDCSettings.model_validate(block | keys), services)
    redirect, transaction = begin(provider)
    url = oidc_op.log_in(redirect.url, "alice")
    outcome = provider.finish(Callback(dict(parse_qsl(urlsplit(url).query))), transaction)

    assert isinstance(outcome, VerifiedIdentity), outcome


# --- rotation ---


def test_a_key_rotates_without_a_restart(
    op: HostileOidcProvider, asserting: Make, log_in: LogIn, tmp_path: Path
) -> None:
    """The newest key signs; both are published while both are configured; a changed file is another key."""
    path = tmp_path / "key.pem"
    path.write_text(pem(1), "ascii")
    provider = asserting(Secret(path=path), Secret(pem(2)))
    log_in(provider)
    first = assertion(op)[0]["kid"]
    assert [key["kid"] for key in published(provider)] == [first, read_private_key(pem(2)).kid]

    path.write_text(pem(3), "ascii")
    log_in(provider)

    assert assertion(op)[0]["kid"] == read_private_key(pem(3)).kid == published(provider)[0]["kid"]


def test_a_secret_rotates_without_a_restart(op: HostileOidcProvider, make: Make, log_in: LogIn, tmp_path: Path) -> None:
    """Once the provider knows another secret and the file has it, the next login works."""
    path = tmp_path / "secret"
    path.write_text(op.client_secret, "utf-8")
    provider = make(client_secret=Secret(path=path))
    assert isinstance(log_in(provider), VerifiedIdentity)

    op.client_secret = "another s3cret"
    path.write_text("another s3cret\n", "utf-8")

    assert isinstance(log_in(provider), VerifiedIdentity)


@pytest.mark.sec("OAUTH-25")
def test_the_published_keys(asserting: Make, make: Make) -> None:
    """Only public members are published, as a key set, and only by an application that signs."""
    provider = asserting()
    answer = provider.routes()["jwks"](Callback({}), Client())

    assert isinstance(answer, Answer)
    assert (answer.status, answer.content_type) == (200, "application/jwk-set+json")
    assert set(published(provider)[0]) == {"kty", "n", "e", "kid", "use", "alg"}
    assert "jwks" not in make(client_auth="none").routes()


def test_a_key_that_was_spoilt_before_it_was_read(asserting: Make, log_in: LogIn, tmp_path: Path) -> None:
    """Without any key nobody can log in, which is said to be the operator's affair."""
    path = tmp_path / "key.pem"
    path.write_text(pem(), "ascii")
    provider = asserting(Secret(path=path))
    path.write_text("spoilt", "ascii")
    answer = provider.routes()["jwks"](Callback({}), Client())
    outcome = log_in(provider)

    assert isinstance(answer, Unavailable)
    assert isinstance(outcome, Unavailable)
    assert outcome.code == "client_key"


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"client_keys": []}, "client_keys: is needed"),
        ({"client_keys": ["nonsense"]}, "client_keys: must be a private key"),
    ],
)
def test_a_key_that_cannot_sign_stops_the_start(make: Make, block: dict[str, Any], words: str) -> None:
    """It is noticed at start-up, and not at the first login."""
    with pytest.raises(ValueError, match=words):
        make(client_auth="private_key_jwt", **block)
