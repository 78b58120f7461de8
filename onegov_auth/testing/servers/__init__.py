"""Real servers for tests and for the demo: started on loopback, thrown away afterwards."""

from onegov_auth.testing.servers.oidc import OidcProvider
from onegov_auth.testing.servers.oidc_mock import MockOidcProvider
from onegov_auth.testing.servers.people import GROUPS, PEOPLE, Person
from onegov_auth.testing.servers.postgresql import PostgreSQL
from onegov_auth.testing.servers.process import ServerFailedError, ServerMissingError, ServerProcess
from onegov_auth.testing.servers.redis import Redis
from onegov_auth.testing.servers.samba import SambaAD
from onegov_auth.testing.servers.slapd import Slapd
from onegov_auth.testing.servers.smtp import Smtp
from onegov_auth.testing.servers.yubiserver import Yubiserver

__all__ = [
    "GROUPS",
    "PEOPLE",
    "MockOidcProvider",
    "OidcProvider",
    "Person",
    "PostgreSQL",
    "Redis",
    "SambaAD",
    "ServerFailedError",
    "ServerMissingError",
    "ServerProcess",
    "Slapd",
    "Smtp",
    "Yubiserver",
]
