"""What a browser may bring back, seen from outside: no token request for anything that is not this login's answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider

Serve = Callable[..., None]

ISS = {"authorization_response_iss_parameter_supported": True}


@pytest.mark.sec("OIDCX-10", "OIDCX-11", "OAUTH-04")
@pytest.mark.parametrize("state", [ABSENT, "", "wrong", "{state}1"], ids=["absent", "empty", "wrong", "suffix"])
def test_a_state_that_is_not_ours(op: HostileOidcProvider, serve: Serve, site: Any, visitor: Any, state: Any) -> None:
    """The code is not exchanged, and the login that was begun can still be finished."""
    serve(userinfo="always")
    right = visitor.get(visitor.leave()).headers["location"]
    params = dict(parse_qsl(urlsplit(right).query))
    params["state"] = state if state is ABSENT else state.format(state=params["state"])
    brought = {name: value for name, value in params.items() if value is not ABSENT}
    answer = visitor.get(f"/auth/provider/company/callback?{urlencode(brought)}")

    assert answer.status_code == 400
    assert "/token" not in op.paths()
    assert not visitor.is_in
    visitor.get(right)
    assert visitor.is_in


@pytest.mark.sec("OIDCX-12", "OIDCX-13", "OAUTH-09", "OAUTH-10", "OAUTH-11")
@pytest.mark.parametrize("error", [False, True], ids=["code", "error"])
@pytest.mark.parametrize(
    ("metadata", "iss", "code"),
    [(ISS, "{issuer}1", "wrong_iss"), (ISS, ABSENT, "missing_iss"), ({}, "{issuer}", "unexpected_iss")],
    ids=["wrong", "missing", "not announced"],
)
def test_an_answer_by_another_issuer(
    op: HostileOidcProvider,
    serve: Serve,
    site: Any,
    visitor: Any,
    metadata: dict[str, object],
    iss: Any,
    code: str,
    error: bool,
) -> None:
    """RFC 9207: the answer of another issuer, or of nobody knows whom, ends before the token request."""
    serve(userinfo="always")
    op.metadata = metadata
    op.callback = {"iss": iss if iss is ABSENT else iss.format(issuer=op.issuer)}
    if error:
        op.callback |= {"code": ABSENT, "error": "access_denied"}
    visitor.log_in()

    assert op.paths()[-1] == "/authorize"
    assert site.codes() == [code]
    assert not visitor.is_in


@pytest.mark.sec("OAUTH-09")
def test_an_answer_by_the_right_issuer(op: HostileOidcProvider, serve: Serve, visitor: Any) -> None:
    """An issuer that names itself as it announced is believed."""
    serve(userinfo="always")
    op.metadata, op.callback = ISS, {"iss": op.issuer}
    visitor.log_in()

    assert visitor.is_in


@pytest.mark.sec("OIDCX-31", "AUTHLIB-10")
def test_an_error_that_nobody_asked_for(op: HostileOidcProvider, serve: Serve, visitor: Any) -> None:
    """Somebody who is logged in stays so, and a login in another tab goes on."""
    serve(userinfo="always")
    visitor.log_in()
    other_tab = visitor.get(visitor.leave()).headers["location"]
    page = visitor.get("/auth/provider/company/callback?error=access_denied&state=of-somebody-else")

    assert page.status_code == 400
    assert visitor.is_in
    assert visitor.get(other_tab).headers["location"].endswith("/personal")


@pytest.mark.sec("OIDCX-32", "OAUTH-14")
def test_an_answer_that_was_used(op: HostileOidcProvider, serve: Serve, visitor: Any) -> None:
    """The same address again sends no code, and leaves the session of the first time alone."""
    serve(userinfo="always")
    callback = visitor.get(visitor.leave()).headers["location"]
    visitor.get(callback)
    again = visitor.get(callback)

    assert again.status_code == 400
    assert op.paths().count("/token") == 1
    assert visitor.is_in


@pytest.mark.sec("AUTHLIB-11", "OAUTH-04", "CSRF-02")
def test_an_answer_in_another_browser(op: HostileOidcProvider, serve: Serve, visit: Callable[[], Any]) -> None:
    """Whoever is made to visit the callback of somebody else's login is not logged in as them."""
    serve(userinfo="always")
    attacker, victim = visit(), visit()
    callback = attacker.get(attacker.leave()).headers["location"]
    victim.get("/auth/login")
    answer = victim.get(callback)

    assert answer.status_code == 400
    assert "/token" not in op.paths()
    assert not victim.is_in


@pytest.mark.sec("OAUTH-12", "OAUTH-08")
def test_an_answer_at_another_provider(op: HostileOidcProvider, serve: Serve, site: Any, visitor: Any) -> None:
    """The code of one provider is never sent to another one, at whose callback it arrives."""
    block = {"kind": "oidc", "issuer": op.issuer, "client_id": "other", "client_secret": "s3cret"}
    site.others = {"other": block}
    serve(userinfo="always")
    query = urlsplit(visitor.get(visitor.leave()).headers["location"]).query
    answer = visitor.get(f"/auth/provider/other/callback?{query}")

    assert answer.status_code == 400
    assert "/token" not in op.paths()


@pytest.mark.sec("OAUTH-15", "REDIR-09")
@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_code_and_state_leave_the_address(op: HostileOidcProvider, serve: Serve, visitor: Any, wrong: bool) -> None:
    """Every answer to a login is a redirect to an address without them, and tells nobody where one came from."""
    serve(userinfo="always")
    op.claims = {"aud": "other"} if wrong else {}
    answer: httpx.Response = visitor.get(visitor.get(visitor.leave()).headers["location"])

    assert answer.status_code == 303
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert not {"code", "state"} & dict(parse_qsl(urlsplit(answer.headers["location"]).query)).keys()


@pytest.mark.sec("OAUTH-21", "OAUTH-15")
def test_no_page_of_ours_is_framed(serve: Serve, visitor: Any) -> None:
    """The login page, the way out, and a callback that failed can be in no frame, and load nothing from elsewhere."""
    serve(userinfo="always")
    pages = [visitor.get("/auth/login"), visitor.press(), visitor.get("/auth/provider/company/callback?state=x")]

    for page in pages:
        policy = page.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy or "default-src 'self'" in policy


@pytest.mark.sec("OAUTH-19")
def test_a_login_is_no_redirect_of_a_form(serve: Serve, visitor: Any) -> None:
    """The button's form is answered by a page, and never by a redirect that would send it on."""
    serve(userinfo="always")

    assert visitor.press().status_code == 200
