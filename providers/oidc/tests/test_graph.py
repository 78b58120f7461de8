from __future__ import annotations

import pytest

from onegov_auth.testing.servers.hostile_http import json_reply
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc.connections import Route, make_client
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.graph import fetch_groups
from onegov_auth_oidc.http import Http

PATH = "/v1.0/me/getMemberGroups"


def test_all_groups_come_at_once(op: HostileOidcProvider) -> None:
    """One question, answered with up to eleven thousand ids, stays below the limit of an answer."""
    many = [f"0a1b2c3d-0000-4000-8000-{number:012}" for number in range(11_000)]
    op.replies[PATH] = json_reply({"value": many})
    http = Http(make_client(Route(op.issuer)), plain_loopback=True)

    assert fetch_groups(http, op.issuer, "access") == many
    assert op.call(PATH).headers["content-type"] == "application/json"
    http.close()


def test_an_address_without_tls_is_not_asked(op: HostileOidcProvider) -> None:
    """The access token goes nowhere without TLS."""
    http = Http(make_client(Route(op.issuer)))
    with pytest.raises(OIDCUnreachableError, match="https"):
        fetch_groups(http, op.issuer, "access")

    assert op.calls == []
    http.close()
