"""Four modules that no certification profile has, and that the code flow should pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import OctKey

from onegov_auth.testing.servers.hostile_keys import make_pair, signed
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider

Serve = Callable[..., None]
StopsAfter = Callable[[str, str], bool]


@pytest.mark.sec("OIDC-05")
def test_an_id_token_for_nobody(op: HostileOidcProvider, serve: Serve, stops_after: StopsAfter) -> None:
    """A token without an audience is for nobody."""
    serve(userinfo="always")
    op.claims = {"aud": ABSENT}

    assert stops_after("/token", "invalid_id_token_aud")


@pytest.mark.sec("OIDC-12")
@pytest.mark.parametrize("key", ["s3cret", "another secret"], ids=["client secret", "wrong"])
def test_a_mac_is_no_signature(op: HostileOidcProvider, serve: Serve, stops_after: StopsAfter, key: str) -> None:
    """HS256 can't be pinned, so neither a wrong MAC nor one by the client secret itself is believed."""
    serve(userinfo="always")
    op.forge = lambda header, claims: signed(
        {**header, "alg": "HS256"}, json.dumps(claims).encode(), OctKey.import_key(key.ljust(14))
    )

    assert stops_after("/token", "invalid_id_token_alg")


@pytest.mark.sec("OIDC-13")
@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_a_signature_by_es256(
    op: HostileOidcProvider, serve: Serve, visitor: Any, stops_after: StopsAfter, right: bool
) -> None:
    """The registered algorithm's signature is believed if it is right, and refused if it is not."""
    serve(userinfo="always", id_token_alg="ES256")
    op.keys, op.alg = [make_pair("one", "EC")], "ES256"
    if right:
        visitor.log_in()
        assert visitor.is_in
    else:
        other = make_pair("one", "EC", 1).private
        op.forge = lambda header, claims: signed(header, json.dumps(claims).encode(), other)
        assert stops_after("/token", "invalid_id_token_signature")


@pytest.mark.sec("OIDC-25")
def test_an_error_by_form_post(op: HostileOidcProvider, serve: Serve, site: Any, visitor: Any) -> None:
    """An error that a form brings leads to a page with a way on, and to no token request."""
    serve(response_mode="form_post")
    op.callback = {"code": ABSENT, "error": "login_required"}
    page = visitor.log_in()

    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert "/auth/provider/company" in page.text
    assert not visitor.is_in
    assert op.paths()[-1] == "/authorize"
    assert site.codes() == ["login_required"]
