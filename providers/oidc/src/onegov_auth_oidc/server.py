"""All that is shared between the logins of one provider, and may be lost at any time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from onegov_auth.providers import Clock, Services
from onegov_auth_oidc.discovery import Discovery
from onegov_auth_oidc.http import Http
from onegov_auth_oidc.keys import ALGORITHMS, KeyStore
from onegov_auth_oidc.network import make_client
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["CLIENT_FACTORY", "Server", "server_of"]

#: Under this key of ``services.resources`` lies what makes the httpx client of an issuer, if not :func:`make_client`.
CLIENT_FACTORY = "onegov_auth_oidc.make_client"


@dataclass(frozen=True, slots=True)
class Server:
    """
    The connections to an issuer, and what is known of it.

    Attributes:
        http: Asks it.
        discovery: Its metadata.
        keys: Its keys.
    """

    http: Http
    discovery: Discovery
    keys: KeyStore

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def server_of(name: str, settings: OIDCSettings, services: Services) -> Server:
    """The server of the provider *name* of this application; made once and kept in ``services.resources``."""
    factory: Callable[[str], httpx.Client] = services.resources.get(CLIENT_FACTORY, lambda: make_client)

    def make() -> Server:
        return _make(settings, factory(settings.issuer), services.clock)

    # Two tenants of one process may have providers of the same name, and share nothing.
    return services.resources.get(("onegov_auth_oidc", services.application, name), make)


def _make(settings: OIDCSettings, client: httpx.Client, clock: Clock) -> Server:
    http = Http(client, settings.plain_loopback)
    discovery = Discovery(http, settings.issuer, clock)
    return Server(http, discovery, KeyStore(http, ALGORITHMS[settings.id_token_alg], clock))
