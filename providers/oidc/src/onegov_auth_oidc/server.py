"""All that is shared between the logins of one provider, and may be lost at any time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from onegov_auth.providers import Services
from onegov_auth_oidc.client_auth import Credentials
from onegov_auth_oidc.client_keys import ClientKeys
from onegov_auth_oidc.connections import Client, Route, make_client
from onegov_auth_oidc.discovery import Discovery
from onegov_auth_oidc.http import Http
from onegov_auth_oidc.keys import ALGORITHMS, KeyStore
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["CLIENT_FACTORY", "Server", "server_of"]

#: Under this key of ``services.resources`` lies what makes the client of a route, if not :func:`make_client`.
CLIENT_FACTORY = "onegov_auth_oidc.make_client"


@dataclass(frozen=True, slots=True)
class Server:
    """
    The connections to an issuer, and what is known of it.

    Attributes:
        http: Asks it.
        discovery: Its metadata.
        keys: Its keys, for logins.
        logout_keys: The same for logout tokens, which anybody may send: invented key ids must not use up the one
            search a minute that a login has after the keys were changed.
        credentials: What shows it who asks.
    """

    http: Http
    discovery: Discovery
    keys: KeyStore
    logout_keys: KeyStore
    credentials: Credentials

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def server_of(name: str, settings: OIDCSettings, services: Services) -> Server:
    """The server of the provider *name* of this application; made once and kept in ``services.resources``."""
    factory: Callable[[Route], Client] = services.resources.get(CLIENT_FACTORY, lambda: make_client)

    def make() -> Server:
        network = settings.network
        route = Route(
            settings.issuer,
            proxy=network.proxy.reveal() if network.proxy is not None else None,
            ca_file=network.ca_file,
            allow=network.allow,
        )
        return _make(settings, factory(route), services)

    # Two tenants of one process may have providers of the same name, and share nothing.
    return services.resources.get(("onegov_auth_oidc", services.application, name), make)


def _make(settings: OIDCSettings, client: Client, services: Services) -> Server:
    http = Http(client, settings.plain_loopback)
    algorithm = ALGORITHMS[settings.id_token_alg]
    return Server(
        http,
        Discovery(http, settings, services.clock),
        KeyStore(http, algorithm, services.clock),
        KeyStore(http, algorithm, services.clock),
        Credentials(settings, ClientKeys(settings.client_keys), services.clock, services.token),
    )
