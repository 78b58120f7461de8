from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import httpx
import pytest

from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply

ASKED = {
    "client_id": "example-app",
    "redirect_uri": "https://app.example.org/callback",
    "state": "state",
    "nonce": "nonce",
    # The pair of RFC 7636, appendix B.
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.fixture(name="op")
def _op(clock: FakeClock) -> Iterator[HostileOidcProvider]:
    op = HostileOidcProvider(clock)
    yield op
    op.close()


def exchange(op: HostileOidcProvider, **changes: str) -> httpx.Response:
    code = op.authorize(str(httpx.URL(op.published()["authorization_endpoint"], params=ASKED)))["code"]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER} | changes
    form.setdefault("redirect_uri", ASKED["redirect_uri"])
    return httpx.post(f"{op.issuer}/token", data=form, auth=(op.client_id, op.client_secret), trust_env=False)


def test_it_is_a_correct_provider_when_left_alone(op: HostileOidcProvider) -> None:
    """A right request gets an ID token."""
    assert exchange(op).json()["id_token"].count(".") == 2


@pytest.mark.parametrize("name", ["code", "code_verifier", "redirect_uri", "grant_type"])
def test_it_notices_a_wrong_request(op: HostileOidcProvider, name: str) -> None:
    """A relying party that sends something else gets nothing."""
    assert exchange(op, **{name: "other"}).json() == {"error": "invalid_grant"}


def test_it_does_not_know_others(op: HostileOidcProvider) -> None:
    """A client with another secret is not known."""
    op.client_secret = "other"
    answer = httpx.post(f"{op.issuer}/token", data={"client_id": "example-app"}, trust_env=False)

    assert answer.status_code == 401


def test_it_deviates_as_told(op: HostileOidcProvider) -> None:
    """A member is changed or left out, and a whole answer replaced."""
    op.metadata = {"issuer": "other", "jwks_uri": ABSENT}
    op.replies["/jwks"] = Reply(500, [b"x"])

    published = json.loads(httpx.get(f"{op.issuer}/.well-known/openid-configuration", trust_env=False).text)
    assert published["issuer"] == "other"
    assert "jwks_uri" not in published
    assert httpx.get(f"{op.issuer}/jwks", trust_env=False).status_code == 500
    assert op.paths() == ["/.well-known/openid-configuration", "/jwks"]


def test_userinfo_needs_the_access_token(op: HostileOidcProvider) -> None:
    """Without the access token nothing is told of a person."""
    assert httpx.get(f"{op.issuer}/userinfo", trust_env=False).status_code == 401


def ask(op: HostileOidcProvider, **params: str) -> httpx.Response:
    return httpx.get(f"{op.issuer}/authorize", params={**ASKED, **params}, trust_env=False)


def test_it_sends_the_browser_back(op: HostileOidcProvider) -> None:
    """By redirect or by form, with what the test changes of it."""
    op.callback = {"code": "c&d", "iss": op.issuer}
    redirect, form = ask(op), ask(op, response_mode="form_post")

    assert redirect.headers["location"].startswith("https://app.example.org/callback?code=c%26d&state=state&iss=http")
    assert 'action="https://app.example.org/callback"' in form.text
    assert 'name="code" value="c&amp;d"' in form.text


def test_it_ends_a_session(op: HostileOidcProvider) -> None:
    """The browser is sent back with the state it came with, or another one, or stays."""
    back = {"post_logout_redirect_uri": "https://a.example/", "state": "s"}

    def leave(**params: str) -> str | None:
        location: str | None = httpx.get(f"{op.issuer}/logout", params=params, trust_env=False).headers.get("location")
        return location

    assert leave(**back) == "https://a.example/?state=s"
    op.after_logout = {"state": ABSENT}
    assert leave(**back) == "https://a.example/"
    assert leave() is None


def test_a_refresh_token_works_once(op: HostileOidcProvider) -> None:
    """A refresh token brings a new ID token and another refresh token."""
    op.refresh_token = "one"
    op.refreshed = {"sub": "other"}

    def refresh(token: str) -> dict[str, str]:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        answer = httpx.post(f"{op.issuer}/token", data=form, auth=(op.client_id, op.client_secret), trust_env=False)
        return dict(answer.json())

    first = refresh("one")
    payload = first["id_token"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"] == "other"
    assert refresh("one") == {"error": "invalid_grant"}
    assert refresh(first["refresh_token"])["refresh_token"] != first["refresh_token"]


def test_a_logout_token(op: HostileOidcProvider) -> None:
    """It has the event, and what the test changes of it."""
    op.logout_claims = {"jti": ABSENT, "sid": "s"}
    head, payload, _ = (base64.urlsafe_b64decode(part + "==") for part in op.logout_token().split("."))

    assert json.loads(head)["typ"] == "logout+jwt"
    assert {"iss", "aud", "iat", "exp", "sub", "sid", "events"} <= json.loads(payload).keys()
    assert "jti" not in json.loads(payload)


@pytest.mark.parametrize("bearer", ["header", "body"])
def test_userinfo_tells_what_was_asked_for(op: HostileOidcProvider, bearer: str) -> None:
    """With ``by_scope`` only what the scope releases is told, to who brings the access token as it wants it."""
    op.bearer, op.by_scope = bearer, True
    exchange(op)
    told = httpx.request(
        "POST" if bearer == "body" else "GET",
        f"{op.issuer}/userinfo",
        data={"access_token": "access"} if bearer == "body" else None,
        headers={"Authorization": "Bearer access"} if bearer == "header" else None,
        trust_env=False,
    )

    assert told.json() == {"sub": "248289761001"}
