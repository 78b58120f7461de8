"""From a code to a verified identity: each step proves one thing, and the first that fails ends it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from onegov_auth.providers import AuthnContext, Refused, Step, VerifiedIdentity
from onegov_auth_oidc import github
from onegov_auth_oidc.callback import Begun
from onegov_auth_oidc.claims import Claims, attributes, is_complete, read_person
from onegov_auth_oidc.flow import Tokens, exchange
from onegov_auth_oidc.graph import fetch_groups
from onegov_auth_oidc.groups import is_overage
from onegov_auth_oidc.id_token import Expected, VerifiedClaims, verify
from onegov_auth_oidc.jws import is_time
from onegov_auth_oidc.server import Server
from onegov_auth_oidc.settings import OIDCSettings
from onegov_auth_oidc.userinfo import fetch_userinfo

__all__ = ["Login", "identity_of", "verify_id_token"]

log = logging.getLogger("onegov_auth.oidc")


@dataclass(frozen=True, slots=True)
class Login:
    """
    A login whose browser came back with a code.

    Attributes:
        name: The provider's configured name.
        server: Who is asked.
        begun: What the login remembered.
        steps: What was decided so far; grows on the way, so that an error does not lose it.
    """

    name: str
    server: Server
    begun: Begun
    steps: list[Step] = field(default_factory=list)

    @property
    def settings(self) -> OIDCSettings:
        """The provider's block."""
        return self.server.credentials.settings

    def identify(self, code: str, redirect_uri: str) -> VerifiedIdentity | Refused:
        """
        Who it is.

        Raises:
            OIDCUnreachableError: If the provider can't be asked.
        """
        tokens = exchange(self.server.http, self.server.credentials, self.begun, code, redirect_uri)
        if isinstance(tokens, Refused):
            return tokens
        self.steps.append(Step("token", "the code was accepted"))
        if self.settings.special.oauth2:
            if self.begun.acr or self.begun.max_age is not None:
                # There is no ID token that could prove how or when somebody logged in.
                return Refused("demand_unmet", steps=(Step("api", "says neither how nor when somebody logged in"),))
            told = github.fetch_claims(self.server.http, self.begun.metadata, tokens)
            self.steps.append(Step("api", "the API says who the token is of"))
            return self._identity(told, (told,), tokens)
        claims = verify_id_token(self.server, self.begun, tokens, code)
        if isinstance(claims, Refused):
            return claims
        self.steps.append(Step("id_token", _describe(claims, self.settings.id_token_alg)))
        sources = self._sources(claims, tokens)
        return sources if isinstance(sources, Refused) else self._identity(claims, sources, tokens)

    def _sources(self, claims: VerifiedClaims, tokens: Tokens) -> tuple[Claims, ...] | Refused:
        sources: tuple[Claims, ...] = (claims,)
        if self._wants_userinfo(claims):
            told = fetch_userinfo(self.server, self.begun.metadata, tokens.access_token, claims)
            if isinstance(told, Refused):
                return told
            self.steps.append(Step("userinfo", "of the same person"))
            sources = (claims, told)
        if not (self.settings.special.leaves_out_groups and is_overage(self.settings.claims.groups, sources)):
            return sources
        if self.settings.graph is None:
            detail = "too many groups for a token: set graph, or assign the groups to the application at Entra ID"
            return Refused("groups_overage", steps=(Step("groups", detail),))
        groups = fetch_groups(self.server.http, self.settings.graph, tokens.access_token)
        self.steps.append(Step("groups", f"{len(groups)} from Microsoft Graph"))
        return (*sources, {"groups": groups})

    def _wants_userinfo(self, claims: VerifiedClaims) -> bool:
        settings = self.settings
        if settings.userinfo == "auto":
            return self.begun.metadata.userinfo_endpoint is not None and not is_complete(settings.claims, claims)
        return settings.userinfo == "always"

    def _identity(self, proof: Claims, sources: tuple[Claims, ...], tokens: Tokens) -> VerifiedIdentity | Refused:
        # Of an issuer that organisations share, the organisation's own name.
        issuer, authn = str(proof["iss"]), _authn(proof, tokens, self.settings)
        identity = identity_of(self.name, self.settings, sources, issuer, authn)
        if isinstance(identity, Refused):
            return identity
        if self.settings.recheck is not None and tokens.refresh_token is None:
            self.steps.append(Step("recheck", "the provider gave no refresh token"))
            log.warning("providers.%s: recheck is on, and the provider gave no refresh token", self.name)
        return identity


def identity_of(
    name: str, settings: OIDCSettings, sources: tuple[Claims, ...], issuer: str, authn: AuthnContext
) -> VerifiedIdentity | Refused:
    """Who the claims of *sources* are about, the first one winning; refusals as of :func:`read_person`."""
    person = read_person(settings, sources)
    if isinstance(person, Refused):
        return person
    return VerifiedIdentity(
        source=name,
        issuer=issuer,
        source_id=person.id,
        username=person.username,
        email=person.email,
        email_verified=person.email_verified,
        realname=person.realname,
        groups=person.groups,
        attributes=attributes(sources),
        authn=authn,
    )


def verify_id_token(server: Server, begun: Begun, tokens: Tokens, code: str) -> VerifiedClaims | Refused:
    """
    The claims of the ID token that came for *code*.

    Raises:
        OIDCUnreachableError: If the keys can't be had.
    """
    if tokens.id_token is None:
        # The access token alone proves nothing of who is here (OIDCX-26, OAUTH-18).
        return Refused("missing_id_token", steps=(Step("token", "no id_token"),))
    settings = server.credentials.settings
    expected = Expected(
        issuer=settings.expected_issuer,
        client_id=settings.client_id,
        nonce=begun.nonce,
        alg=settings.id_token_alg,
        acr=tuple(demanded for demanded in (settings.acr, begun.acr) if demanded),
        amr=settings.amr,
        max_age=begun.max_age,
        now=server.credentials.clock(),
        leeway=settings.leeway,
        access_token=tokens.access_token,
        code=code,
    )
    return verify(tokens.id_token, server.keys, begun.metadata.jwks_uri, expected)


def _describe(claims: VerifiedClaims, alg: str) -> str:
    methods, acr = _methods(claims), claims.get("acr")
    how = [f"verified, {alg}", *([f"amr {' '.join(sorted(methods))}"] if methods else [])]
    # Words of the provider, in a line of the log.
    text = ", ".join([*how, f"acr {acr}"] if isinstance(acr, str) else how)
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


def _methods(claims: Mapping[str, object]) -> frozenset[str]:
    methods = claims.get("amr")
    return frozenset(one for one in methods if isinstance(one, str)) if isinstance(methods, list) else frozenset()


def _authn(claims: Claims, tokens: Tokens, settings: OIDCSettings) -> AuthnContext:
    acr, at, session = (claims.get(name) for name in ("acr", "auth_time", "sid"))
    return AuthnContext(
        methods=_methods(claims),
        acr=acr if isinstance(acr, str) else None,
        at=datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) and is_time(at) else None,
        session_id=session if isinstance(session, str) else None,
        logout_hint=tokens.id_token if settings.logout.rp_initiated else None,
        refresh_token=tokens.refresh_token if settings.recheck is not None else None,
    )
