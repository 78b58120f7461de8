"""The blocks inside of a block of ``kind: oidc``."""

from __future__ import annotations

import re
import ssl
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator

from onegov_auth.providers import Secret, Section

__all__ = ["ClaimNames", "EndpointSettings", "LogoutSettings", "NetworkSettings"]

#: LINK-02: what a person or an administrator can change, or what is given to somebody else later, is no key.
UNSTABLE = frozenset(
    {"email", "login", "mail", "name", "nickname", "preferred_username", "upn", "unique_name", "username"}
)


def _stable(value: str) -> str:
    # Wherever it lies: "user.email" and "https://example.org/email" are no better.
    if re.split(r"[./]", value)[-1] in UNSTABLE:
        raise ValueError(f'"{value}" can change or be given to somebody else; use "sub" or another stable claim')
    return value


def _as_list(value: object) -> object:
    """One text where a list may stand."""
    return [value] if isinstance(value, str) else value


ClaimName = Annotated[str, Field(min_length=1, max_length=255)]
_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
ClaimList = Annotated[
    tuple[ClaimName, ...],
    Field(min_length=1),
    BeforeValidator(_as_list),
    WithJsonSchema({"anyOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}]}),
]


class ClaimNames(Section):
    """
    Which claim holds what; a dot goes into an object, such as ``resource_access.app.roles``.

    Attributes:
        id: The stable key, which becomes ``User.source_id``.
        username: The name to give a new user; of several, the first that is there.
        email: The address; verified only if the provider says so of this very claim.
        realname: One or several, joined by a blank.
        groups: A list of names, one name, or an object whose keys are names; of several claims, all that are there.
    """

    id: Annotated[ClaimName, AfterValidator(_stable)] = "sub"
    username: ClaimList = ("email",)
    email: ClaimName = "email"
    realname: ClaimList = ("given_name", "family_name")
    groups: ClaimList = ("groups",)


class LogoutSettings(Section):
    """
    What a logout does beside ending the session here.

    Attributes:
        rp_initiated: Send the browser to the provider's own logout (OpenID Connect RP-Initiated Logout).
        backchannel: Let the provider end sessions here (OpenID Connect Back-Channel Logout).
        frontchannel: Let the provider's own logout page end them, in a frame (OpenID Connect Front-Channel Logout).
        draft_tokens: Take logout tokens without ``typ`` and ``exp``, as a draft before 2022 had them.
    """

    rp_initiated: bool = True
    backchannel: bool = True
    frontchannel: bool = False
    draft_tokens: bool = False


class EndpointSettings(Section):
    """
    The provider's addresses, written down for one that publishes no metadata; nothing is asked for then.

    Attributes:
        authorization: Where the browser is sent.
        token: Where the code is exchanged.
        jwks: Where the keys are; needed unless the preset is plain OAuth 2.
        userinfo: Where more is told of a person.
        end_session: Where the browser is sent to log out.
        revocation: Where a refresh token is given back.
    """

    authorization: str
    token: str
    jwks: str | None = None
    userinfo: str | None = None
    end_session: str | None = None
    revocation: str | None = None


class NetworkSettings(Section):
    """
    How the provider is reached.

    Attributes:
        proxy: The HTTP proxy on the way to it; may have a name and password in it. No environment variable is read.
        ca_file: The certificate authorities to believe instead of the system's, as PEM.
        allow: Inner networks that the metadata of an issuer outside of them may name addresses in.
    """

    proxy: Secret | None = None
    ca_file: Path | None = None
    allow: tuple[IPv4Network | IPv6Network, ...] = ()

    @field_validator("allow", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            raise ValueError("must be a list")  # noqa: TRY004 - pydantic reads a ValueError
        try:
            return tuple(ip_network(str(entry)) for entry in value)
        except ValueError as error:
            raise ValueError("must hold networks such as 10.0.0.0/8") from error

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, value: Secret | None) -> Secret | None:
        if value is not None:
            parts = urlsplit(value.reveal())
            if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
                raise ValueError("must look like http://proxy.example.org:3128")
        return value

    @field_validator("ca_file")
    @classmethod
    def _holds_certificates(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=str(value))
            except (OSError, ssl.SSLError) as error:
                raise ValueError(f"{value} can't be read as certificates in PEM") from error
        return value
