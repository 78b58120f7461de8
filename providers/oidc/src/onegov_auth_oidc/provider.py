"""The provider: sends the browser to an OpenID provider and believes what its ID token proves."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import ClassVar, Self

from onegov_auth.providers import (
    Answer,
    Callback,
    Check,
    CheckState,
    Client,
    Handler,
    ProviderSettings,
    Rechecked,
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
from onegov_auth_oidc.doctor import Doctor
from onegov_auth_oidc.doctor_claims import examine_claims
from onegov_auth_oidc.endpoints import endpoints
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.flow import authorization_url, logout_url, revoke
from onegov_auth_oidc.hints import read_hints
from onegov_auth_oidc.login import Login
from onegov_auth_oidc.network import deadline
from onegov_auth_oidc.recheck import recheck
from onegov_auth_oidc.server import Server, server_of
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["OIDCProvider"]

log = logging.getLogger("onegov_auth.oidc")

#: For all questions together when a login begins, when it ends, or when a session is checked again: whoever waits
#: holds a worker, and gives up soon after.
LOGIN_SECONDS = 15.0

#: Who logs out is out already; what the provider still has to be told is worth no longer wait.
LOGOUT_SECONDS = 5.0

#: Random bytes: RFC 7636 §4.1 asks for a verifier of 43 to 128 characters, 48 bytes make 64.
VERIFIER_BYTES = 48
NONCE_BYTES = 32

#: Providers may keep the key set for so long; a new key is published before it signs.
KEYS_KEPT = timedelta(minutes=5)


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
            SettingsError: If *settings* are of another kind.
        """
        if not isinstance(settings, OIDCSettings):
            raise SettingsError([f"providers.{name}: is no block of kind oidc"])
        return cls(name=name, settings=settings, services=services)

    @property
    def button(self) -> str:
        """Markdown of the button on the login page."""
        return self.settings.button or f"Log in with **{self.name}**"

    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """
        Where to send the browser; nonce, PKCE verifier, demands and the provider's addresses are remembered.

        Raises:
            ValueError: If the hint ``max_age`` is no number of seconds.
        """
        hints = read_hints(transaction.hints)
        try:
            with deadline(LOGIN_SECONDS):
                metadata = self._server.discovery.reachable()
        except OIDCUnreachableError as error:
            return self._unavailable(error, [])
        token = self.services.token
        begun = Begun(token(NONCE_BYTES), token(VERIFIER_BYTES), metadata, hints.acr, hints.max_age)
        url = authorization_url(self.settings, begun, transaction.id, self.services.callback_url, hints.handed_on)
        return Redirect(url, remember=begun.remembered())

    def finish(self, callback: Callback, transaction: Transaction) -> VerifiedIdentity | Refused | Unavailable:
        """
        Who came back?

        The codes of refusals: ``invalid_transaction``, ``expired_transaction``, ``invalid_state``,
        ``missing_iss``, ``wrong_iss``, ``unexpected_iss``, ``missing_code``, ``invalid_code``, the
        provider's own ``error`` or ``provider_error``, ``invalid_grant``, ``missing_id_token``,
        ``invalid_id_token_…`` and ``invalid_userinfo_…`` by the rule that was broken,
        ``demand_unmet``, ``groups_overage``, ``missing_claim``, ``invalid_claim``.
        """
        begun = read_begun(transaction, self.name, self.settings, self.services.clock())
        if isinstance(begun, Refused):
            return begun
        code = read_code(callback, transaction, begun.metadata)
        if isinstance(code, Refused):
            return Unavailable(self.name, code.code, code.steps) if code.code in OUT_OF_ORDER else code
        login = Login(self.name, self._server, begun, [Step("callback", "state and issuer are right")])
        try:
            with deadline(LOGIN_SECONDS):
                outcome = login.identify(code, self.services.callback_url)
        except OIDCUnreachableError as error:
            return self._unavailable(error, login.steps)
        return replace(outcome, steps=(*login.steps, *outcome.steps))

    def logout(self, session: SessionInfo, back_to: str, state: str = "") -> Redirect | None:
        """The provider's own logout, if it has one and ``logout.rp_initiated`` is on."""
        if session.provider != self.name or not self.settings.logout.rp_initiated:
            return None
        try:
            with deadline(LOGOUT_SECONDS):
                metadata = self._server.discovery.current()
        except OIDCUnreachableError as error:
            # The session here is over already; that one stays until it expires.
            self._unavailable(error, [])
            return None
        url = logout_url(self.settings, metadata, session.logout_hint, back_to, state)
        return Redirect(url) if url is not None else None

    @property
    def recheck_after(self) -> timedelta | None:
        """The key ``recheck``."""
        return self.settings.recheck

    def recheck(self, token: str, session: SessionInfo) -> Rechecked | Refused | Unavailable:
        """
        Whether the person of *session* is still there and the same.

        The codes of refusals: ``invalid_grant``, ``invalid_id_token_…`` as at a login, ``recheck_other_issuer``,
        ``recheck_other_person``.
        """
        try:
            with deadline(LOGIN_SECONDS):
                return recheck(self._server, token, session)
        except OIDCUnreachableError as error:
            return self._unavailable(error, [])

    def revoke(self, token: str) -> None:
        """Give a refresh token back, if the provider takes it (RFC 7009)."""
        server = self._server
        try:
            with deadline(LOGOUT_SECONDS):
                revoke(server.http, server.credentials, server.discovery.current(), token)
        except OIDCUnreachableError as error:
            # The session here is over already; the token ends when the provider says so.
            self._unavailable(error, [])

    def routes(self) -> Mapping[str, Handler]:
        """What the provider may call here, and the keys this application signs with, if it signs."""
        found = dict(endpoints(self.name, self.settings, self.services))
        if self.settings.client_keys:
            found["jwks"] = self._published_keys
        return found

    def _published_keys(self, _callback: Callback, _client: Client) -> Answer | Unavailable:
        try:
            keys = [key.published() for key in self._server.credentials.keys.all()]
        except OIDCUnreachableError as error:
            return self._unavailable(error, [])
        headers = {"Cache-Control": f"public, max-age={int(KEYS_KEPT.total_seconds())}"}
        return Answer(200, json.dumps({"keys": keys}), "application/jwk-set+json", headers)

    def check(self, login: str | None = None, claims: Mapping[str, object] | None = None) -> Iterator[Check]:
        """The doctor's steps; an OpenID provider tells of nobody who is not there, so *login* can't be looked up."""
        yield from Doctor(self._server, self.services.callback_url).examine()
        if login is not None:
            hint = "paste their claims with --claims FILE"
            yield Check("login", CheckState.SKIPPED, "an OpenID provider can't be asked about anybody", hint)
        if claims is not None:
            yield from examine_claims(self.name, self.settings, claims)

    @property
    def _server(self) -> Server:
        return server_of(self.name, self.settings, self.services)

    def _unavailable(self, error: OIDCUnreachableError, steps: list[Step]) -> Unavailable:
        log.warning("providers.%s: %s", self.name, error)
        return Unavailable(self.name, error.reason, steps=(*steps, Step("unavailable", error.detail)))
