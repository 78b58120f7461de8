"""The whole way from a code to an identity: which proof counts, and what is asked in which order."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from onegov_auth.providers import Callback, Redirect, Refused, Services, Transaction, VerifiedIdentity
from onegov_auth.testing.servers import OidcProvider
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, make_pair
from onegov_auth_oidc import OIDCProvider, OIDCSettings

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]
Begin = Callable[[OIDCProvider], tuple[Redirect, Transaction]]


@pytest.mark.sec("OIDCX-26", "OAUTH-18")
def test_without_an_id_token_nothing_more_is_asked(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """UserInfo never takes its place."""
    op.token = {"id_token": ABSENT}
    outcome = log_in(make(userinfo="always"))

    assert isinstance(outcome, Refused)
    assert outcome.code == "missing_id_token"
    assert op.paths()[-1] == "/token"


def test_form_post(op: HostileOidcProvider, make: Make, begin: Begin) -> None:
    """The code is asked for in a form, so that it is in no address, and taken from there."""
    provider = make(response_mode="form_post")
    redirect, transaction = begin(provider)
    outcome = provider.finish(Callback(op.authorize(redirect.url), "POST"), transaction)

    assert dict(parse_qsl(urlsplit(redirect.url).query))["response_mode"] == "form_post"
    assert isinstance(outcome, VerifiedIdentity), outcome


def test_query_is_what_is_meant_without_a_word(make: Make, begin: Begin) -> None:
    """The default of the code flow is not written out (OAuth 2.0 Multiple Response Types §2.1)."""
    assert "response_mode" not in begin(make())[0].url


@pytest.mark.sec("OIDC-25")
def test_form_post_at_a_certified_provider(oidc_op: OidcProvider, services: Services, begin: Begin) -> None:
    """The npm oidc-provider answers with a form, for a login and for a refusal."""
    client = oidc_op.add_client(redirect_uris=[services.callback_url])
    block = {"kind": "oidc", "issuer": oidc_op.issuer, "client_id": client.client_id, "response_mode": "form_post"}
    settings = OIDCSettings.model_validate({**block, "client_secret": client.client_secret})
    provider = OIDCProvider.create("company", settings, services)
    redirect, transaction = begin(provider)
    fields = dict(parse_qsl(urlsplit(oidc_op.log_in(redirect.url, "alice")).query))
    refusal, other = begin(provider)
    error = dict(parse_qsl(urlsplit(oidc_op.deny(refusal.url)).query))

    assert isinstance(provider.finish(Callback(fields, "POST"), transaction), VerifiedIdentity)
    outcome = provider.finish(Callback(error, "POST"), other)
    assert isinstance(outcome, Refused)
    assert outcome.code == "access_denied"


@pytest.mark.sec("OIDC-32", "OIDC-33")
def test_keys_rotate_between_fetch_and_signing_twice(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """The provider may change its keys after we fetched them, and before it signs; the login still works."""
    provider = make()
    assert isinstance(log_in(provider), VerifiedIdentity)

    def rotate() -> None:
        op.keys = [make_pair("two", number=1), *op.keys]

    op.before_signing = rotate

    assert isinstance(log_in(provider), VerifiedIdentity)
    assert op.paths().count("/jwks") == 2


@pytest.mark.sec("OAUTH-10")
@pytest.mark.parametrize(("iss", "code"), [("{op}", None), ("https://evil.example", "wrong_iss"), (None, None)])
def test_google_names_itself_without_saying_so(
    op: HostileOidcProvider, make: Make, log_in: LogIn, iss: str | None, code: str | None
) -> None:
    """Its answers have an issuer that its metadata does not announce: there it has to be right, and may be missing."""
    changes = {} if iss is None else {"iss": iss.format(op=op.issuer)}
    outcome = log_in(make(preset="google", issuer=op.issuer), **changes)

    assert getattr(outcome, "code", None) == code


@pytest.mark.sec("OIDC-21")
@pytest.mark.parametrize(("c_hash", "accepted"), [("right", True), ("wrong", False), (None, False)])
def test_a_hash_of_the_code_has_to_be_right(
    op: HostileOidcProvider, make: Make, begin: Begin, c_hash: str | None, accepted: bool
) -> None:
    """A token that names its code names this one (OpenID Connect Core §3.3.2.11)."""
    provider = make()
    redirect, transaction = begin(provider)
    params = op.authorize(redirect.url)
    half = hashlib.sha256(params["code"].encode()).digest()[:16]
    right = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    op.claims = {"c_hash": right if c_hash == "right" else c_hash}
    outcome = provider.finish(Callback(params), transaction)

    assert isinstance(outcome, VerifiedIdentity) is accepted
    assert accepted or (isinstance(outcome, Refused) and outcome.code == "invalid_id_token_c_hash")
