"""The shipped contract, in front of the certified npm ``oidc-provider``."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from onegov_auth.providers import Callback, Redirect, Services
from onegov_auth.testing.contracts import Person, RedirectProviderContract
from onegov_auth.testing.plugin import require_server
from onegov_auth.testing.servers import OidcProvider
from onegov_auth_oidc import OIDCProvider, OIDCSettings


@pytest.fixture(name="company", scope="module")
def _company() -> Iterator[OidcProvider]:
    """An OpenID provider that may be stopped, shared by these tests."""
    company = require_server(OidcProvider)
    yield company
    company.close()


def callback_of(url: str) -> Callback:
    parts = urlsplit(url)
    return Callback(dict(parse_qsl(parts.query)), url=f"{parts.scheme}://{parts.netloc}{parts.path}")


class TestContract(RedirectProviderContract):
    """The contract; where the service is decides nothing but where the code goes."""

    unbound = frozenset({"server"})

    @pytest.fixture
    def block(self, company: OidcProvider) -> Mapping[str, object]:
        """As it stands in the README."""
        return {
            "kind": "oidc",
            "issuer": company.issuer,
            "client_id": company.client_id,
            "client_secret": company.client_secret,
            "claims": {"id": "sub", "realname": ["given_name", "family_name"]},
        }

    @pytest.fixture
    def provider(self, block: Mapping[str, object], services: Services) -> OIDCProvider:
        """The provider in front of the running service."""
        return OIDCProvider.create("company", OIDCSettings.model_validate(dict(block)), services)

    @pytest.fixture
    def broken_provider(self, block: Mapping[str, object], services: Services) -> Iterator[OIDCProvider]:
        """A provider whose issuer is an address that nobody listens at."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            issuer = f"http://127.0.0.1:{taken.getsockname()[1]}"
            settings = OIDCSettings.model_validate({**block, "issuer": issuer})
            yield OIDCProvider.create("broken", settings, services)

    @pytest.fixture
    def person(self, company: OidcProvider) -> Person:
        """Alice, as the provider knows her."""
        alice = company.account("alice")
        return Person(
            login=alice.login,
            password=alice.password,
            source_id=alice.sub,
            username=str(alice.email),
            issuer=company.issuer,
            email=alice.email,
            realname=f"{alice.given_name} {alice.family_name}",
            groups=frozenset(alice.groups or ()),
        )

    @pytest.fixture
    def canaries(self, company: OidcProvider) -> Iterable[str]:
        """The client secret."""
        return [company.client_secret]

    @pytest.fixture
    def log_in(self, company: OidcProvider) -> Callable[..., Any]:
        """Alice in a new browser."""

        def log_in(redirect: Redirect) -> Callback:
            return callback_of(company.log_in(redirect.url, "alice"))

        return log_in

    @pytest.fixture
    def deny(self, company: OidcProvider) -> Callable[[Redirect], Callback]:
        """Somebody who cancels."""
        return lambda redirect: callback_of(company.deny(redirect.url))

    @pytest.fixture
    def stop_service(self, company: OidcProvider) -> Iterator[Callable[[], None]]:
        """Stops the service, and starts it again after the test."""
        yield company.stop
        company.start()
