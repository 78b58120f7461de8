from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from onegov_auth.testing.plugin import require_server
from onegov_auth.testing.servers import MockOidcProvider, ServerFailedError, ServerMissingError
from onegov_auth.testing.servers.oidc import ACCOUNTS

CALLBACK = "https://app.example.org/callback"


@pytest.fixture(name="op")
def _op() -> Iterator[MockOidcProvider]:
    op = require_server(MockOidcProvider)
    yield op
    op.close()


def request(op: MockOidcProvider) -> str:
    params = {"client_id": op.client_id, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid profile"}
    return str(httpx.URL(f"{op.issuer}/oauth2/authorize", params={**params, "state": "s", "nonce": "n"}))


def told(op: MockOidcProvider, login: str) -> dict[str, object]:
    callback = dict(parse_qsl(urlsplit(op.log_in(request(op), login)).query))
    assert callback["state"] == "s"
    form = {"grant_type": "authorization_code", "code": callback["code"], "redirect_uri": CALLBACK}
    auth = (op.client_id, op.client_secret)
    tokens = httpx.post(f"{op.issuer}/oauth2/token", data=form, auth=auth, trust_env=False).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    claims: dict[str, object] = httpx.get(f"{op.issuer}/userinfo", headers=headers, trust_env=False).json()
    return claims


def test_somebody_logs_in(op: MockOidcProvider) -> None:
    """The claims are those of the account, and a changed account is told at once."""
    claims = told(op, "alice")
    assert (claims["sub"], claims["groups"]) == ("company-alice", ["admins", "staff"])

    op.set_accounts([replace(op.account("alice"), groups=("editors",)), *ACCOUNTS[1:]])
    assert told(op, "alice")["groups"] == ["editors"]


def test_somebody_says_no(op: MockOidcProvider) -> None:
    """The callback carries the error."""
    assert "error=access_denied" in op.deny(request(op))


def test_somebody_logs_out(op: MockOidcProvider) -> None:
    """The browser is sent back, with the state."""
    url = f"{op.issuer}/oauth2/end_session?post_logout_redirect_uri={CALLBACK}&state=s"

    assert op.log_out(url) == f"{CALLBACK}?state=s"


def test_an_account_it_does_not_take(op: MockOidcProvider) -> None:
    """A subject that is no path is a fault of the test."""
    with pytest.raises(ServerFailedError):
        op.set_accounts([replace(ACCOUNTS[0], sub="a/b")])


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said."""
    monkeypatch.setattr("onegov_auth.testing.servers.oidc_mock.find_spec", lambda _name: None)
    with pytest.raises(ServerMissingError, match="oidc-provider-mock"):
        MockOidcProvider().start()
