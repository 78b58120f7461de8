"""The three questions of the code flow, as they arrive at the provider."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from authlib.oauth2.client import DEFAULT_HEADERS

from onegov_auth.providers import Callback, Redirect, Refused, Secret, Transaction, Unavailable, VerifiedIdentity
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.discovery import Metadata
from onegov_auth_oidc.flow import MAX_HINT, logout_url

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]
Begin = Callable[[OIDCProvider], tuple[Redirect, Transaction]]

CALLBACK = "https://app.example.org/auth/provider/company/callback"


def query(redirect: Redirect) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(redirect.url).query, keep_blank_values=True)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


@pytest.mark.sec("OIDC-01", "OIDC-18", "OIDC-19", "OAUTH-01", "OAUTH-02", "OAUTH-03", "ASVS-10.2.1")
def test_the_authorization_request(make: Make, begin: Begin) -> None:
    """Code flow with state, nonce and PKCE S256, and nothing that is not needed."""
    redirect, transaction = begin(make())
    asked = query(redirect)

    named = "client_id code_challenge code_challenge_method nonce redirect_uri response_type scope state"
    assert " ".join(sorted(asked)) == named
    assert (asked["response_type"], asked["client_id"], asked["redirect_uri"]) == ("code", "example-app", CALLBACK)
    assert (asked["scope"], asked["state"]) == ("openid profile email", transaction.id)
    assert (asked["nonce"], asked["code_challenge_method"]) == (transaction.data["nonce"], "S256")
    assert 43 <= len(str(transaction.data["verifier"])) <= 128


@pytest.mark.sec("OAUTH-02", "OAUTH-05", "ASVS-10.1.2")
def test_every_login_has_its_own_secrets(make: Make, begin: Begin) -> None:
    """Nonce and verifier are never used twice."""
    provider = make()
    data = [begin(provider)[1].data for _ in range(50)]

    assert len({one["nonce"] for one in data}) == len({one["verifier"] for one in data}) == 50
    # 256 bits as text; RFC 6819 §5.1.4.2.2 asks for 128.
    assert min(len(str(one[name])) for one in data for name in ("nonce", "verifier")) >= 43


def test_an_authentication_class_is_asked_for(make: Make, begin: Begin) -> None:
    """The demanded classes are in the request, in their order."""
    assert query(begin(make(acr=["gold", "silver"]))[0])["acr_values"] == "gold silver"


@pytest.mark.sec("OIDC-20", "OAUTH-06", "OAUTH-07", "OAUTH-24", "OAUTH-25")
def test_the_token_request(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """One POST with code, verifier and redirect URI; the secret is in the header and nowhere else."""
    assert isinstance(log_in(make()), VerifiedIdentity)
    call = op.call("/token")

    assert op.paths().count("/token") == 1
    assert call.method == "POST"
    assert call.query == {}
    assert set(call.form) == {"grant_type", "code", "code_verifier", "redirect_uri"}
    assert (call.form["grant_type"], call.form["redirect_uri"]) == ("authorization_code", CALLBACK)
    assert call.headers["authorization"].startswith("Basic ")


@pytest.mark.sec("OAUTH-25")
def test_the_secret_in_the_body(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """With client_secret_post the secret is in the form, and no header is sent."""
    assert isinstance(log_in(make(client_auth="client_secret_post")), VerifiedIdentity)
    call = op.call("/token")

    assert (call.form["client_id"], call.form["client_secret"]) == ("example-app", "s3cret")
    assert "authorization" not in call.headers


def test_a_public_client(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A public client says who it is and proves it by PKCE alone."""
    op.client_secret = ""
    assert isinstance(log_in(make(client_auth="none", client_secret=None)), VerifiedIdentity)

    assert "authorization" not in op.call("/token").headers


@pytest.mark.sec("OIDC-20")
@pytest.mark.parametrize("secret", ["a:b", "p%&=+ ä€", "日本"])
def test_a_secret_of_any_characters(op: HostileOidcProvider, make: Make, log_in: LogIn, secret: str) -> None:
    """Client id and secret are form-encoded before they are put into the header (RFC 6749 §2.3.1)."""
    op.client_secret = secret

    assert isinstance(log_in(make(client_secret=secret)), VerifiedIdentity)


def test_the_secret_is_read_at_each_use(op: HostileOidcProvider, make: Make, log_in: LogIn, tmp_path: Path) -> None:
    """A new secret in the file counts at the next login, without a restart."""
    path = tmp_path / "secret"
    path.write_text("s3cret", "utf-8")
    provider = make(client_secret=Secret(path=path))
    assert isinstance(log_in(provider), VerifiedIdentity)
    path.write_text("a new one", "utf-8")
    op.client_secret = "a new one"

    assert isinstance(log_in(provider), VerifiedIdentity)


@pytest.mark.sec("ASVS-8.4.1")
def test_a_secret_is_not_left_in_shared_headers(make: Make, log_in: LogIn) -> None:
    """Authlib hands one dictionary of headers to all clients; none of them writes its secret into it."""
    log_in(make())

    assert "Authorization" not in DEFAULT_HEADERS


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"error": "invalid_grant"}, Refused, "invalid_grant"),
        ({"error": "invalid_client"}, Unavailable, "invalid_client"),
        ({"error": "slow_down"}, Unavailable, "token_error"),
        ({"error": {"a": 1}}, Unavailable, "token_error"),
        ({"id_token": ABSENT}, Refused, "missing_id_token"),
        ({"id_token": ""}, Refused, "missing_id_token"),
        ({"id_token": 1}, Refused, "missing_id_token"),
        ({"access_token": ABSENT}, Unavailable, "token_response"),
        ({"access_token": "a\r\nb"}, Unavailable, "token_response"),
        ({"access_token": "a b"}, Unavailable, "token_response"),
        ({"access_token": "ü"}, Unavailable, "token_response"),
        ({"token_type": ABSENT}, Unavailable, "token_response"),
        ({"token_type": "DPoP"}, Unavailable, "token_response"),
        ({"token_type": 1}, Unavailable, "token_response"),
    ],
    ids=repr,
)
@pytest.mark.sec("OIDCX-26", "OAUTH-18")
def test_a_token_answer_that_cannot_be_used(
    op: HostileOidcProvider,
    make: Make,
    log_in: LogIn,
    changes: dict[str, object],
    kind: type[Refused | Unavailable],
    code: str,
) -> None:
    """Each has its own code, and UserInfo is never asked instead."""
    op.token = changes
    outcome = log_in(make())

    assert isinstance(outcome, kind)
    assert outcome.code == code
    assert op.paths()[-1] == "/token"


@pytest.mark.sec("OIDCX-15", "OIDCX-16")
@pytest.mark.parametrize(
    "changes",
    [
        {"token_type": "bEARER"},
        {"expires_in": ABSENT},
        {"expires_in": "soon"},
        {"expires_in": 10**400},
        {"expires_in": [], "expires_at": {}},
        {"scope": ABSENT, "refresh_token": "r", "unknown": 1},
    ],
    ids=repr,
)
def test_a_token_answer_may_be_sloppy(
    op: HostileOidcProvider, make: Make, log_in: LogIn, changes: dict[str, object]
) -> None:
    """What is not needed may be missing or be nonsense."""
    op.token = changes

    assert isinstance(log_in(make()), VerifiedIdentity)


@pytest.mark.sec("OIDCX-35", "OAUTH-14", "OAUTH-19")
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(500, [b'{"error": "invalid_grant"}']), "http_status"),
        (Reply(429), "http_status"),
        (Reply(400, [b"<html>"]), "garbage"),
        (Reply(400, [b'{"id_token": "x", "access_token": "y", "token_type": "Bearer"}']), "http_status"),
        (Reply(200, [b"<html>"]), "garbage"),
        (Reply(307, [], {"Location": "/token2"}), "http_status"),
        (Reply(201, [b"{}"]), "http_status"),
    ],
    ids=["500", "429", "400 html", "400 with tokens", "200 html", "redirect", "201"],
)
def test_a_token_endpoint_that_is_ill(
    op: HostileOidcProvider, make: Make, log_in: LogIn, reply: Reply, code: str
) -> None:
    """Nobody is denied, the code is not sent twice, and not elsewhere."""
    op.replies["/token"] = reply
    outcome = log_in(make())

    assert isinstance(outcome, Unavailable)
    assert outcome.code == code
    assert op.paths().count("/token") == 1
    assert op.paths()[-1] == "/token"


def test_a_wrong_secret_is_the_operators_affair(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """When the provider does not know this application, nobody is told that their login was wrong."""
    outcome = log_in(make(client_secret="wrong"))

    assert isinstance(outcome, Unavailable)
    assert outcome.code == "invalid_client"


@pytest.mark.sec("OAUTH-13")
def test_the_code_goes_where_the_login_began(op: HostileOidcProvider, make: Make, begin: Begin) -> None:
    """A token endpoint that changes in between does not get a code that was not meant for it."""
    provider = make()
    redirect, transaction = begin(provider)
    op.metadata = {"token_endpoint": f"{op.issuer}/other"}
    provider.services.resources.clear()

    assert isinstance(provider.finish(Callback(op.authorize(redirect.url)), transaction), VerifiedIdentity)
    assert "/other" not in op.paths()


@pytest.mark.sec("LOG-02", "OAUTH-16", "ASVS-10.1.1")
@pytest.mark.parametrize("bad", [False, True], ids=["good", "bad"])
def test_nothing_secret_is_logged(
    op: HostileOidcProvider, make: Make, begin: Begin, caplog: pytest.LogCaptureFixture, bad: bool
) -> None:
    """Neither code, state, verifier, nonce, secret nor token is in any log, even at DEBUG."""
    caplog.set_level(logging.DEBUG)
    op.person["secret-canary"] = "canary-in-the-token"
    provider = make(userinfo="always")
    redirect, transaction = begin(provider)
    params = op.authorize(redirect.url)
    op.claims = {"nonce": "wrong"} if bad else {}
    outcome = provider.finish(Callback(params), transaction)
    hint = outcome.authn.logout_hint if isinstance(outcome, VerifiedIdentity) else None
    secrets = ["s3cret", params["code"], params["state"], transaction.data["nonce"], transaction.data["verifier"]]

    assert isinstance(outcome, Refused if bad else VerifiedIdentity)
    assert not [one for one in [*secrets, hint, "Bearer access"] if one and str(one) in caplog.text]


METADATA = Metadata("https://i", "https://i/a", "https://i/t", "https://i/k", end_session_endpoint="https://i/out")


@pytest.mark.sec("OIDC-44")
@pytest.mark.parametrize(
    ("endpoint", "begins"), [("https://i/out", "https://i/out?"), ("https://i/o?a", "https://i/o?a&")]
)
def test_the_logout_request(make: Make, endpoint: str, begins: str) -> None:
    """The hint, the client and the way back are in the address."""
    metadata = Metadata("https://i", "https://i/a", "https://i/t", "https://i/k", end_session_endpoint=endpoint)
    url = logout_url(make().settings, metadata, "hint", "https://app.example.org/")

    assert url is not None
    assert url.startswith(begins)
    assert dict(parse_qsl(url.removeprefix(begins))) == {
        "client_id": "example-app",
        "post_logout_redirect_uri": "https://app.example.org/",
        "id_token_hint": "hint",
    }


@pytest.mark.parametrize("hint", [None, "x" * (MAX_HINT + 1)], ids=["none", "too long"])
def test_a_logout_without_a_hint(make: Make, hint: str | None) -> None:
    """Without a hint, or with one that no address can hold, the provider asks the person."""
    url = logout_url(make().settings, METADATA, hint, "https://app.example.org/")

    assert url is not None
    assert "id_token_hint" not in url
