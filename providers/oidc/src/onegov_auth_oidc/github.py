"""
GitHub, which has no ID tokens: its own API tells who somebody is.

The access token is proof enough only because it came from the token endpoint itself, for a code that this very
login was given, with its PKCE verifier (RFC 9700 §4.5). A token that anybody brings along never gets here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from onegov_auth_oidc.claims import Claims
from onegov_auth_oidc.discovery import Metadata
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.flow import Tokens
from onegov_auth_oidc.http import Http

__all__ = ["fetch_claims"]

#: Scopes of which one lets organisations and teams be read.
ORGANISATIONS = frozenset({"read:org", "write:org", "admin:org"})

PAGE = 100
#: Nobody is in more; whoever is can't be told for sure what they are not in.
MAX_PAGES = 10


def fetch_claims(http: Http, metadata: Metadata, tokens: Tokens) -> Claims:
    """
    Who the token is of, as claims: ``sub`` is the number of the account, which outlives every renaming.

    ``groups`` are organisations by name and teams as ``organisation/team``; they are left out, which is not the same
    as empty, unless the scope ``read:org`` was granted: people can take it away when they are asked.

    Raises:
        OIDCUnreachableError: If the API does not answer, or not as documented.
    """
    api = _Api(http, metadata.userinfo_endpoint or "", tokens.access_token)
    user = api.one("")
    number, login = user.get("id"), user.get("login")
    if type(number) is not int or not isinstance(login, str):
        raise OIDCUnreachableError("garbage", "the API does not say who the token is of")
    claims: dict[str, object] = {"iss": metadata.issuer, "sub": str(number), "login": login, "name": user.get("name")}
    claims |= {"preferred_username": login, **_email(api.all("/emails"))}
    granted = tokens.scope.replace(",", " ").split()
    if ORGANISATIONS.intersection(granted):
        named = [*map(_organisation, api.all("/orgs")), *map(_team, api.all("/teams"))]
        claims["groups"] = [name for name in named if name is not None]
    return claims


class _Api:
    def __init__(self, http: Http, url: str, token: str) -> None:
        self._http = http
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}

    def one(self, path: str) -> Mapping[str, object]:
        """The object at *path* below the address of the person."""
        return self._http.get(self._url + path, self._headers).ok().json()

    def all(self, path: str) -> Iterator[Mapping[str, object]]:
        """The objects of all pages at *path*."""
        for page in range(1, MAX_PAGES + 1):
            query = urlencode({"per_page": PAGE, "page": page})
            entries = self._http.get(f"{self._url}{path}?{query}", self._headers).ok().json_list()
            yield from (entry for entry in entries if isinstance(entry, Mapping))
            if len(entries) < PAGE:
                return
        raise OIDCUnreachableError("too_large", f"the API has more than {MAX_PAGES} pages of {path}")


def _email(entries: Iterator[Mapping[str, object]]) -> dict[str, object]:
    # The profile's own "email" may be any text; only this list says what was confirmed.
    for entry in entries:
        if entry.get("primary") is True and entry.get("verified") is True:
            return {"email": entry.get("email"), "email_verified": True}
    return {}


def _organisation(entry: Mapping[str, object]) -> str | None:
    login = entry.get("login")
    return login if isinstance(login, str) else None


def _team(entry: Mapping[str, object]) -> str | None:
    organisation, slug = entry.get("organization"), entry.get("slug")
    name = _organisation(organisation) if isinstance(organisation, Mapping) else None
    return f"{name}/{slug}" if name is not None and isinstance(slug, str) else None
