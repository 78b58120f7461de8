from __future__ import annotations

from collections.abc import Callable

import pytest

from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.connections import Client, Route, make_client
from onegov_auth_oidc.server import CLIENT_FACTORY, server_of

Make = Callable[..., OIDCProvider]


def test_a_server_is_made_once(make: Make) -> None:
    """All logins of one provider share connections and caches."""
    provider = make()
    one = server_of("company", provider.settings, provider.services)

    assert one is server_of("company", provider.settings, provider.services)
    assert one is not server_of("other", provider.settings, provider.services)


def test_the_http_client_is_a_parameter(op: HostileOidcProvider, make: Make) -> None:
    """Whoever puts another factory into the resources decides how is asked."""
    made: list[str] = []

    def factory(route: Route) -> Client:
        made.append(route.issuer)
        return make_client(route)

    provider = make()
    provider.services.resources.put(CLIENT_FACTORY, factory)
    provider._server.discovery.current()

    assert made == [op.issuer]


def test_what_is_lost_is_made_again(op: HostileOidcProvider, make: Make) -> None:
    """Resources may be cleared at any time; the connections are closed."""
    provider = make()
    before = provider._server
    provider.services.resources.clear()

    with pytest.raises(RuntimeError, match="closed"):
        before.http.client.ask("GET", op.issuer, {}, None)
    assert provider._server.discovery.current().issuer == op.issuer
