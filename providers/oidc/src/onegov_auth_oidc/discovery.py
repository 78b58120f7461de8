"""What an issuer says of itself (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from onegov_auth.providers import Clock
from onegov_auth_oidc.cache import Cache
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import Http
from onegov_auth_oidc.urls import discovery_url, url_fault

__all__ = ["Discovery", "Metadata", "fetch_document", "read_metadata", "remembered_metadata"]

#: Addresses change with a migration of the provider, which is announced; ten minutes follow it without a restart.
FRESH = timedelta(minutes=10)

REQUIRED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
OPTIONAL = ("userinfo_endpoint", "end_session_endpoint")


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
        jwks_uri: Where the keys are.
        names_itself: Whether every answer has to carry ``iss`` (RFC 9207 §3).
        userinfo_endpoint: Where more is told of a person.
        end_session_endpoint: Where the browser is sent to log out.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    names_itself: bool = False
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None

    def remembered(self) -> dict[str, object]:
        """All of it as JSON, for the transaction."""
        return asdict(self)


class Discovery:
    """The metadata of one issuer, kept for a while."""

    def __init__(self, http: Http, issuer: str, clock: Clock) -> None:
        self._http = http
        self._issuer = issuer
        self._cache = Cache(self._fetch, clock, FRESH)
        self._fetches = 0

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
            self._http.reach(discovery_url(self._issuer))
        return metadata

    def _fetch(self) -> Metadata:
        metadata = read_metadata(fetch_document(self._http, self._issuer), self._issuer, self._http.plain_loopback)
        self._fetches += 1
        return metadata


def fetch_document(http: Http, issuer: str) -> dict[str, object]:
    """The metadata document as it is published; :class:`OIDCUnreachableError` if there is none."""
    return http.get(discovery_url(issuer)).ok().json()


def read_metadata(document: Mapping[str, object], issuer: str, plain_loopback: bool) -> Metadata:
    """
    Take from *document* what is needed.

    Raises:
        OIDCUnreachableError: If the document is another issuer's (Discovery §4.3: the very same characters,
            CVE-2026-104056), lacks an endpoint, or names one that is not secure.
    """
    if document.get("issuer") != issuer:
        raise OIDCUnreachableError("issuer_mismatch", "the metadata is of another issuer than the configured one")
    endpoints = {name: document.get(name) for name in REQUIRED}
    endpoints |= {name: document[name] for name in OPTIONAL if document.get(name) is not None}
    checked: dict[str, str] = {}
    for name, url in endpoints.items():
        fault = url_fault(url, plain_loopback=plain_loopback)
        if fault is not None or not isinstance(url, str):
            raise OIDCUnreachableError("metadata", f"{name} {fault}")
        checked[name] = url
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    return Metadata(issuer=issuer, names_itself=names_itself, **checked)


def remembered_metadata(data: object, issuer: str, plain_loopback: bool) -> Metadata | None:
    """
    The metadata a login began with, as :meth:`Metadata.remembered` wrote it.

    ``None`` if it is not there, or the configured issuer is another one by now.
    """
    if not isinstance(data, Mapping):
        return None
    document = {**data, "authorization_response_iss_parameter_supported": data.get("names_itself")}
    try:
        return read_metadata(document, issuer, plain_loopback)
    except OIDCUnreachableError:
        return None
