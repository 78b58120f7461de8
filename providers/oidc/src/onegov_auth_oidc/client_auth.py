"""How the application shows the token endpoint who it is (OpenID Connect Core §9)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote_plus, urlencode

from joserfc import jws

from onegov_auth.providers import Clock
from onegov_auth_oidc.client_keys import ClientKeys
from onegov_auth_oidc.discovery import Metadata
from onegov_auth_oidc.jws import PinnedRegistry
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["Credentials"]

#: What Authlib calls to prepare a request: client, method, address, headers, body.
Prepare: TypeAlias = Callable[[Any, str, str, dict[str, str], str], tuple[str, dict[str, str], str]]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

#: OAUTH-25: an assertion is used at once; a minute is enough for clocks that differ.
LIFETIME = 60
JTI_BYTES = 24


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    What proves that a request comes from this application.

    Attributes:
        settings: Which kind of proof, and the secret.
        keys: The private keys, for ``private_key_jwt``.
        clock: The time.
        token: Makes an unguessable text of so many random bytes.
    """

    settings: OIDCSettings
    keys: ClientKeys = field(repr=False)
    clock: Clock
    token: Callable[[int], str] = field(repr=False)

    def method(self, metadata: Metadata) -> str | Prepare:
        """How a request to the endpoints of *metadata* is prepared: Authlib's name for it, or what does it."""
        if self.settings.client_auth == "client_secret_basic":
            return _basic
        if self.settings.client_auth != "private_key_jwt":
            return self.settings.client_auth
        assertion = self.assertion(metadata)

        def prepare(
            client: Any, _method: str, uri: str, headers: dict[str, str], body: str
        ) -> tuple[str, dict[str, str], str]:
            more = {
                "client_id": client.client_id,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
            return uri, headers, f"{body}&{urlencode(more)}"

        return prepare

    def assertion(self, metadata: Metadata) -> str:
        """
        A signed statement of who asks (RFC 7523 §3), for one request.

        It is for one audience as text: a list, or an address the provider chose itself, could be used
        elsewhere. The token endpoint is named only for providers that want it.
        """
        newest, now = self.keys.all()[0], int(self.clock().timestamp())
        of_token = self.settings.assertion_audience == "token_endpoint"
        claims = {
            "iss": self.settings.client_id,
            "sub": self.settings.client_id,
            "aud": metadata.token_endpoint if of_token else metadata.issuer,
            "jti": self.token(JTI_BYTES),
            "iat": now,
            "exp": now + LIFETIME,
        }
        registry = PinnedRegistry(algorithms=(newest.alg,))
        return jws.serialize_compact(newest.header(), json.dumps(claims), newest.key, registry=registry)


def _basic(client: Any, _method: str, uri: str, headers: dict[str, str], body: str) -> tuple[str, dict[str, str], str]:
    # RFC 6749 §2.3.1: both are form-encoded first; Authlib leaves that out, and fails beyond Latin-1.
    text = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(text.encode('ascii')).decode('ascii')}"
    return uri, headers, body
