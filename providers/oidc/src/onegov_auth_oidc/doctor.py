"""The steps of ``onegov-auth check`` for an OpenID provider; nobody is logged in, and no secret is shown."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from onegov_auth.providers import Check, CheckState, Refused
from onegov_auth_oidc.callback import Begun
from onegov_auth_oidc.discovery import Document, Metadata, fetch_document, read_metadata, written_metadata
from onegov_auth_oidc.doctor_route import examine_route
from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.flow import authorization_url, exchange
from onegov_auth_oidc.keys import ALGORITHMS, read_keys
from onegov_auth_oidc.server import Server
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["Doctor"]

HINTS = {
    "address": "the metadata names an address further inside the network than the issuer: see network.allow",
    "garbage": "there is no OpenID provider at this address",
    "http_status": "there is no OpenID provider at this address",
    "invalid_client": "compare client_id, client_secret or client_keys, and client_auth with the provider's console",
    "issuer_mismatch": "write the issuer exactly as the provider does, including a slash at the end",
    "metadata": "every address the provider names has to begin with https://",
    "timeout": "check the firewall between this machine and the provider",
    "tls": "check the provider's certificate and this machine's certificate authorities",
    "unreachable": "check the firewall between this machine and the provider, and that it is running",
}

#: Key of the metadata, the setting that has to be in it, and what it stands for if it is left out (Discovery §3).
SUPPORTED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("id_token_signing_alg_values_supported", "id_token_alg", ()),
    ("token_endpoint_auth_methods_supported", "client_auth", ("client_secret_basic",)),
    ("response_modes_supported", "response_mode", ("query", "fragment")),
)

#: Setting, announcement in the metadata (Back-Channel Logout §2.1, Front-Channel Logout §3), and what to call it.
LOGOUTS = (
    ("backchannel", "backchannel_logout_supported", "back-channel logout"),
    ("frontchannel", "frontchannel_logout_supported", "front-channel logout"),
)

#: A code that no provider gave.
BOGUS = "onegov-auth-check"

#: Seconds of difference that come from the way, and not from the clocks.
PUNCTUAL = 5


@dataclass(frozen=True, slots=True)
class Doctor:
    """
    Looks at a provider past all that is cached.

    Attributes:
        server: The way to the issuer.
        callback_url: Where the browser comes back to.
    """

    server: Server
    callback_url: str

    @property
    def settings(self) -> OIDCSettings:
        """The provider's block."""
        return self.server.credentials.settings

    def examine(self) -> Iterator[Check]:
        """The way, the metadata, the keys, the clock, the client, and what to register: each as soon as it is known."""
        reached, metadata = True, None
        for step in examine_route(self.settings, self.server.credentials.clock):
            reached = reached and step.state is not CheckState.FAILED
            yield step
        if reached:
            metadata = yield from self._provider()
        else:
            yield Check("discovery", CheckState.SKIPPED, "the provider is not reached")
        yield from self._register(metadata)

    def _provider(self) -> Generator[Check, None, Metadata | None]:
        metadata = written_metadata(self.settings)
        if metadata is not None:
            yield Check("discovery", CheckState.SKIPPED, "the addresses are in the settings")
        else:
            began = time.perf_counter()
            try:
                document = fetch_document(self.server.http, self.settings)
            except OIDCUnreachableError as error:
                yield _failed("discovery", error, began)
                return None
            yield Check("discovery", CheckState.OK, document.url, seconds=time.perf_counter() - began)
            yield self._clock(document)
            try:
                metadata = read_metadata(document.content, self.settings)
            except OIDCUnreachableError as error:
                yield self._misfit(document, error)
                return None
            yield Check("issuer", CheckState.OK, self.settings.issuer)
            yield from self._supported(document.content)
        if not self.settings.special.oauth2:
            yield self._keys(metadata)
            yield from self._logout(metadata)
        client = self._client(metadata)
        yield client
        # To a client that is not known no provider leads back, whatever the address.
        return None if client.state is CheckState.FAILED else metadata

    def _misfit(self, document: Document, error: OIDCUnreachableError) -> Check:
        if error.reason != "issuer_mismatch":
            return Check("metadata", CheckState.FAILED, error.detail, HINTS.get(error.reason, ""))
        says = str(document.content.get("issuer"))[:200]
        return Check("issuer", CheckState.FAILED, f"it says of itself {says}", HINTS["issuer_mismatch"])

    def _supported(self, document: Mapping[str, object]) -> Iterator[Check]:
        for key, setting, default in SUPPORTED:
            offered, wanted = document.get(key, default), getattr(self.settings, setting)
            # Public clients are told apart by having no secret; few providers list that.
            if wanted == "none" or (isinstance(offered, list | tuple) and wanted in offered):
                yield Check(setting, CheckState.OK, wanted)
            else:
                yield Check(setting, CheckState.WARNING, f"{wanted} is not among {key}", hint=f"change {setting}")
        scopes = document.get("scopes_supported")
        unknown = [one for one in self.settings.scope if isinstance(scopes, list) and one not in scopes]
        if unknown:
            yield Check("scope", CheckState.WARNING, f"{' '.join(unknown)} is not among scopes_supported")
        methods = document.get("code_challenge_methods_supported")
        if isinstance(methods, list) and "S256" in methods:
            yield Check("PKCE", CheckState.OK, "S256")
        else:
            yield Check("PKCE", CheckState.WARNING, "S256 is not announced; it is sent all the same")
        for setting, key, name in LOGOUTS:
            if getattr(self.settings.logout, setting) and document.get(key) is not True:
                hint = f"what is ended there goes on here; logout.{setting}: false says that you know"
                yield Check(name, CheckState.WARNING, f"the provider does not announce {key}", hint)

    def _clock(self, document: Document) -> Check:
        began = time.perf_counter()
        try:
            told = self.server.http.get(document.url).date
            there = parsedate_to_datetime(told or "")
        except OIDCUnreachableError as error:
            return _failed("clock", error, began)
        except (ValueError, OverflowError):
            return Check("clock", CheckState.SKIPPED, "the provider does not say what time it is there")
        if there.tzinfo is None:
            there = there.replace(tzinfo=UTC)
        return self._compared(there, time.perf_counter() - began)

    def _compared(self, there: datetime, seconds: float) -> Check:
        difference = (there - self.server.credentials.clock()).total_seconds()
        detail = f"the provider's is {abs(difference):.0f} s {'ahead' if difference > 0 else 'behind'}"
        leeway = self.settings.leeway.total_seconds()
        if abs(difference) <= PUNCTUAL:
            return Check("clock", CheckState.OK, "the same as here", seconds=seconds)
        hint = "let both machines ask a time server"
        if abs(difference) <= leeway:
            return Check("clock", CheckState.WARNING, detail, hint, seconds)
        return Check("clock", CheckState.FAILED, f"{detail}, and leeway is {leeway:.0f} s", hint, seconds)

    def _keys(self, metadata: Metadata) -> Check:
        began = time.perf_counter()
        try:
            document = self.server.http.get(metadata.jwks_uri).ok().json()
        except OIDCUnreachableError as error:
            return _failed("keys", error, began)
        published = document.get("keys")
        total = len(published) if isinstance(published, list) else 0
        alg = self.settings.id_token_alg
        count = len(read_keys(document, ALGORITHMS[alg]))
        detail = f"{count} of {total} for {alg}"
        if not count:
            return Check("keys", CheckState.FAILED, detail, hint="change id_token_alg to what the provider signs with")
        return Check("keys", CheckState.OK, detail, seconds=time.perf_counter() - began)

    def _logout(self, metadata: Metadata) -> Iterator[Check]:
        if not self.settings.logout.rp_initiated:
            return
        if metadata.end_session_endpoint:
            yield Check("logout", CheckState.OK, metadata.end_session_endpoint)
        else:
            hint = "people stay logged in there; logout.rp_initiated: false says that you know"
            yield Check("logout", CheckState.WARNING, "the provider has no end_session_endpoint", hint)

    def _client(self, metadata: Metadata) -> Check:
        """
        An invented code is exchanged: whoever is known is told that the code is wrong, nobody else gets that far.

        RFC 6749 §5.2 tells ``invalid_client`` from ``invalid_grant``, and the client is authenticated first (§3.2).
        """
        name, began = "client authentication", time.perf_counter()
        token = self.server.credentials.token
        begun = Begun(token(32), token(48), metadata)
        try:
            outcome = exchange(self.server.http, self.server.credentials, begun, BOGUS, self.callback_url)
        except OIDCUnreachableError as error:
            if error.reason == "token_error":
                told = "the provider refuses a wrong code in its own words, so that nothing can be told"
                return Check(name, CheckState.WARNING, told, seconds=time.perf_counter() - began)
            return _failed(name, error, began)
        seconds = time.perf_counter() - began
        if isinstance(outcome, Refused):
            return Check(name, CheckState.OK, f"{self.settings.client_auth}: the client is known", seconds=seconds)
        return Check(name, CheckState.FAILED, "the provider takes an invented code", "do not use it", seconds)

    def _redirect(self, metadata: Metadata | None) -> Check:
        """
        A login is begun in silence: a provider that knows the address leads back to it with an error.

        It must not lead to an address it doesn't know (RFC 6749 §4.1.2.1), and then mostly says 400. Whoever answers
        otherwise may show a page to log in, and tells nothing.
        """
        name, told, hint = "redirect URI", self.callback_url, "register it with the provider, exactly like this"
        try:
            answer = None if metadata is None else self.server.http.get(self._silent(metadata))
        except OIDCUnreachableError:
            answer = None
        if answer is not None and answer.location.startswith(f"{self.callback_url}?"):
            return Check(name, CheckState.OK, told)
        if answer is not None and answer.status == HTTPStatus.BAD_REQUEST:
            return Check(name, CheckState.FAILED, f"the provider does not take {told}", hint)
        return Check(name, CheckState.SKIPPED, told, hint)

    def _silent(self, metadata: Metadata) -> str:
        token = self.server.credentials.token
        begun = Begun(token(32), token(48), metadata)
        settings = self.settings.model_copy(update={"response_mode": "query", "recheck": None})
        return authorization_url(settings, begun, token(32), self.callback_url, {"prompt": "none"})

    def _register(self, metadata: Metadata | None) -> Iterator[Check]:
        """The addresses of this application that the provider has to be told."""
        yield self._redirect(metadata)
        below, settings = self.callback_url.removesuffix("/callback"), self.settings
        addresses = {}
        if not settings.special.oauth2:
            addresses = {
                name: f"{below}/{path}"
                for name, path, wanted in (
                    ("post-logout redirect URI", "logout", settings.logout.rp_initiated),
                    ("back-channel logout URI", "backchannel-logout", settings.logout.backchannel),
                    ("front-channel logout URI", "frontchannel-logout", settings.logout.frontchannel),
                    ("initiate login URI", "initiate", True),
                    ("JWKS URI", "jwks", settings.client_auth == "private_key_jwt"),
                )
                if wanted
            }
        for name, address in addresses.items():
            # Whether the provider knows it can't be asked, so that a tick would say too much.
            yield Check(name, CheckState.SKIPPED, address)


def _failed(name: str, error: OIDCUnreachableError, began: float) -> Check:
    hint = HINTS.get(error.reason, "")
    return Check(name, CheckState.FAILED, error.detail, hint=hint, seconds=time.perf_counter() - began)
