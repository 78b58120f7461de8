"""Certification profile RP-Initiated Logout RP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider


@pytest.fixture(name="leave")
def _leave(op: HostileOidcProvider, serve: Callable[..., None], visitor: Any, address_of: Any) -> Callable[[], Any]:
    """Log in, log out here and at the provider; the page one ends on."""
    serve(userinfo="always")

    def leave() -> httpx.Response:
        visitor.log_in()
        assert visitor.is_in
        url = address_of(visitor.log_out())
        assert not visitor.is_in
        answer = visitor.get(url)
        page: httpx.Response = visitor.arrive(visitor.get(answer.headers["location"]))
        return page

    return leave


@pytest.mark.sec("OIDC-44")
def test_logging_out_there_as_well(op: HostileOidcProvider, leave: Any, visitor: Any) -> None:
    """The provider is shown its own ID token, and sends the browser back to where it was asked to."""
    tokens: list[str] = []
    make, op.forge = op.id_token, None

    def remember(asked: Any) -> str:
        tokens.append(make(asked))
        return tokens[-1]

    op.id_token = remember  # type: ignore[method-assign] # the suite, too, compares the hint with what it issued
    page = leave()
    asked = op.call("/logout").query

    assert page.status_code == 200
    assert page.url.netloc.decode() == urlsplit(visitor.site).netloc
    assert asked["id_token_hint"] == tokens[0]
    assert asked["client_id"] == op.client_id
    assert asked["post_logout_redirect_uri"] == f"{visitor.site}/auth/provider/company/logout"
    assert not visitor.is_in


@pytest.mark.sec("OIDC-45")
def test_another_state_comes_back(op: HostileOidcProvider, leave: Any, visitor: Any) -> None:
    """A state nobody sent does no harm: the person is out, and the page is an ordinary one."""
    op.after_logout = {"state": "somebody-elses"}
    page = leave()

    assert page.status_code == 200
    assert "somebody-elses" not in page.text
    assert not visitor.is_in


@pytest.mark.sec("OIDC-46")
def test_no_state_comes_back(op: HostileOidcProvider, leave: Any, visitor: Any) -> None:
    """Nothing is missed that the provider left out."""
    op.after_logout = {"state": ABSENT}
    page = leave()

    assert page.status_code == 200
    assert dict(parse_qsl(page.url.query.decode())).get("state") is None
    assert not visitor.is_in
