"""What an issuer says of itself (OpenID Connect Discovery 1.0, RFC 8414), or the settings say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

from onegov_auth.providers import Clock
from onegov_auth_oidc.cache import Cache
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import Http
from onegov_auth_oidc.settings import OIDCSettings
from onegov_auth_oidc.urls import discovery_urls, url_fault

__all__ = [
    "Discovery",
    "Document",
    "Metadata",
    "fetch_document",
    "read_metadata",
    "remembered_metadata",
    "written_metadata",
]

#: Addresses change with a migration of the provider, which is announced; ten minutes follow it without a restart.
FRESH = timedelta(minutes=10)

REQUIRED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
OPTIONAL = ("userinfo_endpoint", "end_session_endpoint", "revocation_endpoint")


@dataclass(frozen=True, slots=True)
class Metadata:
    """
    The part of the metadata that a login needs; every address in it was checked.

    A login keeps the whole of it in its transaction: the code goes to the token endpoint that belongs
    to the authorization endpoint it came from, and to no other (RFC 9700 §4.4, OAUTH-13).

    Attributes:
        issuer: The issuer identifier.
        authorization_endpoint: Where the browser is sent.
        token_endpoint: Where the code is exchanged.
        jwks_uri: Where the keys are; empty for plain OAuth 2.
        names_itself: Whether every answer has to carry ``iss`` (RFC 9207 §3); ``None`` = it may, and has to be right.
        takes_claims: Whether single claims can be asked for (OpenID Connect Core §5.5).
        userinfo_endpoint: Where more is told of a person.
        end_session_endpoint: Where the browser is sent to log out.
        revocation_endpoint: Where a refresh token is given back (RFC 7009).
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str = ""
    names_itself: bool | None = False
    takes_claims: bool = False
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    revocation_endpoint: str | None = None

    def remembered(self) -> dict[str, object]:
        """All of it as JSON, for the transaction."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Document:
    """
    The metadata as it is published.

    Attributes:
        url: Where it was found.
        content: What stands there.
    """

    url: str
    content: Mapping[str, object]


class Discovery:
    """The metadata of one issuer, kept for a while."""

    def __init__(self, http: Http, settings: OIDCSettings, clock: Clock) -> None:
        self._http = http
        self._settings = settings
        self._cache = Cache(self._fetch, clock, FRESH)
        self._fetches = 0
        self._home = ""

    def current(self) -> Metadata:
        """
        The metadata, from the cache if it is fresh.

        Raises:
            OIDCUnreachableError: If it can't be had, is not this issuer's, or names an address that must not be used.
        """
        return self._cache.current()

    def reachable(self) -> Metadata:
        """
        The metadata, with the issuer known to be there right now; see :meth:`current` for errors.

        A browser that is sent to a server that is off sees a blank error page of its own; here the
        person can be told, and use another way in.
        """
        before = self._fetches
        metadata = self._cache.current()
        if self._fetches == before:
            self._http.reach(self._home)
        return metadata

    def _fetch(self) -> Metadata:
        written = written_metadata(self._settings)
        if written is not None:
            # Not the endpoint itself: some take a request without parameters for an error of their own.
            self._home = urljoin(written.authorization_endpoint, "/")
            return written
        document = fetch_document(self._http, self._settings)
        metadata = read_metadata(document.content, self._settings)
        self._home = document.url
        self._fetches += 1
        return metadata


def fetch_document(http: Http, settings: OIDCSettings) -> Document:
    """
    The metadata document as it is published, from the first address that has one.

    Only "not there" leads on to the next one: an issuer that is out of order is not asked elsewhere.

    Raises:
        OIDCUnreachableError: If there is none.
    """
    urls = discovery_urls(settings.issuer)
    for url in urls:
        answer = http.get(url)
        if not HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Document(url, answer.ok().json())
    raise OIDCUnreachableError("http_status", f"{urls[0]} and {len(urls) - 1} other addresses have no metadata")


def read_metadata(document: Mapping[str, object], settings: OIDCSettings) -> Metadata:
    """
    Take from *document* what is needed.

    Raises:
        OIDCUnreachableError: If the document is another issuer's (Discovery §4.3: the very same characters,
            CVE-2026-104056), lacks an endpoint, or names one that is not secure.
    """
    if document.get("issuer") != settings.issuer:
        raise OIDCUnreachableError("issuer_mismatch", "the metadata is of another issuer than the configured one")
    announced = document.get("authorization_response_iss_parameter_supported") is True
    return Metadata(
        issuer=settings.issuer,
        names_itself=True if announced else settings.special.names_itself,
        takes_claims=document.get("claims_parameter_supported") is True,
        **_endpoints(document, settings),
    )


def remembered_metadata(data: object, settings: OIDCSettings) -> Metadata | None:
    """
    The metadata a login began with, as :meth:`Metadata.remembered` wrote it.

    ``None`` if it is not there, or the configured issuer is another one by now.
    """
    if not isinstance(data, Mapping) or data.get("issuer") != settings.issuer:
        return None
    names_itself = data.get("names_itself")
    try:
        return Metadata(
            issuer=settings.issuer,
            names_itself=names_itself if isinstance(names_itself, bool) else None,
            takes_claims=data.get("takes_claims") is True,
            **_endpoints(data, settings),
        )
    except OIDCUnreachableError:
        return None


def written_metadata(settings: OIDCSettings) -> Metadata | None:
    """The metadata as the settings have it; ``None`` if the provider has to be asked."""
    written = settings.endpoints
    if written is None:
        return None
    return Metadata(
        issuer=settings.issuer,
        authorization_endpoint=written.authorization,
        token_endpoint=written.token,
        jwks_uri=written.jwks or "",
        # Nobody said whether answers carry "iss"; one that does has to be right.
        names_itself=None,
        userinfo_endpoint=written.userinfo,
        end_session_endpoint=written.end_session,
        revocation_endpoint=written.revocation,
    )


def _endpoints(document: Mapping[str, object], settings: OIDCSettings) -> dict[str, Any]:
    required = REQUIRED[:-1] if settings.special.oauth2 else REQUIRED
    endpoints = {name: document.get(name) for name in required}
    endpoints |= {name: document[name] for name in OPTIONAL if document.get(name) is not None}
    checked: dict[str, str] = {}
    for name, url in endpoints.items():
        fault = url_fault(url, plain_loopback=settings.plain_loopback)
        if fault is not None or not isinstance(url, str):
            raise OIDCUnreachableError("metadata", f"{name} {fault}")
        checked[name] = url
    return checked
