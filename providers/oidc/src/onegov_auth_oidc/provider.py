"""The provider: sends the browser to an OpenID provider and believes what its ID token proves."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import ClassVar, Self

from onegov_auth.providers import (
    AuthnContext,
    Callback,
    Check,
    ProviderSettings,
    Redirect,
    RedirectProvider,
    Refused,
    Services,
    SessionInfo,
    SettingsError,
    Step,
    Transaction,
    Unavailable,
    VerifiedIdentity,
)
from onegov_auth_oidc.callback import OUT_OF_ORDER, Begun, read_begun, read_code
from onegov_auth_oidc.claims import Claims, attributes, is_complete, read_person
from onegov_auth_oidc.doctor import examine, examine_claims
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.flow import Tokens, authorization_url, exchange, fetch_userinfo, logout_url
from onegov_auth_oidc.id_token import Expected, VerifiedClaims, is_time, same, verify
from onegov_auth_oidc.server import Server, server_of
from onegov_auth_oidc.settings import OIDCSettings, missing_features

__all__ = ["OIDCProvider"]

log = logging.getLogger("onegov_auth.oidc")

#: Random bytes: RFC 7636 §4.1 asks for a verifier of 43 to 128 characters, 48 bytes make 64.
VERIFIER_BYTES = 48
NONCE_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class OIDCProvider(RedirectProvider):
    """An OpenID Connect relying party of the code flow."""

    kind: ClassVar[str] = "oidc"
    settings_class: ClassVar[type[ProviderSettings]] = OIDCSettings

    settings: OIDCSettings = field(repr=False)

    @classmethod
    def create(cls, name: str, settings: ProviderSettings, services: Services) -> Self:
        """
        Make the instance; no network is used.

        Raises:
            SettingsError: If a key asks for something that comes with a later version, and the login
                would break, or check less than it was told to, without it.
        """
        if not isinstance(settings, OIDCSettings):
            raise SettingsError([f"providers.{name}: is no block of kind oidc"])
        faults = missing_features(name, settings)
        if faults:
            raise SettingsError(faults)
        return cls(name=name, settings=settings, services=services)

    @property
    def button(self) -> str:
        """Markdown of the button on the login page."""
        return self.settings.button or f"Log in with **{self.name}**"

    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """Where to send the browser; nonce, PKCE verifier and the provider's addresses are remembered."""
        try:
            metadata = self._server.discovery.reachable()
        except OIDCUnreachableError as error:
            return self._unavailable(error, [])
        token = self.services.token
        begun = Begun(token(NONCE_BYTES), token(VERIFIER_BYTES), metadata)
        url = authorization_url(self.settings, begun, transaction.id, self.services.callback_url)
        return Redirect(url, remember=begun.remembered())

    def finish(self, callback: Callback, transaction: Transaction) -> VerifiedIdentity | Refused | Unavailable:
        """
        Who came back?

        The codes of refusals: ``invalid_transaction``, ``expired_transaction``, ``invalid_state``,
        ``missing_iss``, ``wrong_iss``, ``unexpected_iss``, ``missing_code``, ``invalid_code``, the
        provider's own ``error`` or ``provider_error``, ``invalid_grant``, ``missing_id_token``,
        ``invalid_id_token_…`` by the rule that was broken, ``invalid_userinfo_sub``,
        ``missing_claim``, ``invalid_claim``.
        """
        begun = read_begun(transaction, self.name, self.settings, self.services.clock())
        if isinstance(begun, Refused):
            return begun
        code = read_code(callback, transaction, begun.metadata)
        if isinstance(code, Refused):
            return Unavailable(self.name, code.code, code.steps) if code.code in OUT_OF_ORDER else code
        steps = [Step("callback", "state and issuer are right")]
        try:
            outcome = self._identify(code, begun, steps)
        except OIDCUnreachableError as error:
            return self._unavailable(error, steps)
        return replace(outcome, steps=(*steps, *outcome.steps))

    def logout(self, session: SessionInfo, back_to: str, state: str = "") -> Redirect | None:
        """The provider's own logout, if it has one and ``logout.rp_initiated`` is on."""
        if session.provider != self.name or not self.settings.logout.rp_initiated:
            return None
        try:
            metadata = self._server.discovery.current()
        except OIDCUnreachableError as error:
            # The session here is over already; that one stays until it expires.
            self._unavailable(error, [])
            return None
        url = logout_url(self.settings, metadata, session.logout_hint, back_to, state)
        return Redirect(url) if url is not None else None

    def check(self, login: str | None = None, claims: Mapping[str, object] | None = None) -> Iterator[Check]:
        """The doctor's steps; *login* can't be looked up at an OpenID provider."""
        del login
        yield from examine(self._server, self.settings, self.services.callback_url)
        if claims is not None:
            yield from examine_claims(self.settings, claims)

    @property
    def _server(self) -> Server:
        return server_of(self.name, self.settings, self.services)

    def _identify(self, code: str, begun: Begun, steps: list[Step]) -> VerifiedIdentity | Refused:
        server = self._server
        tokens = exchange(server.http, self.settings, begun, code, self.services.callback_url)
        if isinstance(tokens, Refused):
            return tokens
        steps.append(Step("token", "the code was accepted"))
        claims = verify(tokens.id_token, server.keys, begun.metadata.jwks_uri, self._expected(begun, tokens))
        if isinstance(claims, Refused):
            return claims
        steps.append(Step("id_token", f"verified, {self.settings.id_token_alg}"))
        sources: tuple[Claims, ...] = (claims,)
        if self._wants_userinfo(claims, begun):
            told = fetch_userinfo(server.http, begun.metadata, tokens.access_token)
            # OpenID Connect Core §5.3.2: without this somebody else's access token would bring their claims.
            if not same(told.get("sub"), str(claims["sub"])):
                return Refused("invalid_userinfo_sub", steps=(Step("userinfo", "of somebody else"),))
            steps.append(Step("userinfo", "of the same person"))
            sources = (claims, told)
        return self._identity(claims, sources, tokens.id_token)

    def _expected(self, begun: Begun, tokens: Tokens) -> Expected:
        return Expected(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            nonce=begun.nonce,
            alg=self.settings.id_token_alg,
            acr=self.settings.acr,
            now=self.services.clock(),
            leeway=self.settings.leeway,
            access_token=tokens.access_token,
        )

    def _wants_userinfo(self, claims: VerifiedClaims, begun: Begun) -> bool:
        if self.settings.userinfo == "auto":
            return begun.metadata.userinfo_endpoint is not None and not is_complete(self.settings.claims, claims)
        return self.settings.userinfo == "always"

    def _identity(
        self, claims: VerifiedClaims, sources: tuple[Claims, ...], id_token: str
    ) -> VerifiedIdentity | Refused:
        person = read_person(self.settings.claims, sources)
        if isinstance(person, Refused):
            return person
        return VerifiedIdentity(
            source=self.name,
            issuer=self.settings.issuer,
            source_id=person.id,
            username=person.username,
            email=person.email,
            email_verified=person.email_verified,
            realname=person.realname,
            groups=person.groups,
            attributes=attributes(sources),
            authn=_authn(claims, id_token if self.settings.logout.rp_initiated else None),
        )

    def _unavailable(self, error: OIDCUnreachableError, steps: list[Step]) -> Unavailable:
        log.warning("providers.%s: %s", self.name, error)
        return Unavailable(self.name, error.reason, steps=(*steps, Step("unavailable", error.detail)))


def _authn(claims: VerifiedClaims, id_token: str | None) -> AuthnContext:
    methods, acr, at, session = (claims.get(name) for name in ("amr", "acr", "auth_time", "sid"))
    return AuthnContext(
        methods=frozenset(one for one in methods if isinstance(one, str)) if isinstance(methods, list) else frozenset(),
        acr=acr if isinstance(acr, str) else None,
        at=datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) and is_time(at) else None,
        session_id=session if isinstance(session, str) else None,
        logout_hint=id_token,
    )
