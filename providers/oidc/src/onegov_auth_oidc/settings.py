"""What a block of ``kind: oidc`` may hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from onegov_auth.providers import Duration, ProviderSettings, Secret
from onegov_auth_oidc.client_keys import ClientKeyError, read_private_key
from onegov_auth_oidc.presets import PRESETS, Preset, PresetName, with_preset
from onegov_auth_oidc.sections import ClaimNames, EndpointSettings, LogoutSettings, NetworkSettings
from onegov_auth_oidc.tenants import TENANT, Issuer
from onegov_auth_oidc.urls import host_of, issuer_fault, url_fault

__all__ = ["OIDCSettings"]

#: OIDCX-03: a clock may be wrong by a minute, not by more.
MAX_LEEWAY = timedelta(seconds=60)

#: More often a provider would be asked at nearly every request.
MIN_RECHECK = timedelta(minutes=1)


def _issuer(value: str) -> str:
    fault = issuer_fault(value)
    if fault is not None:
        raise ValueError(fault)
    return value


def _leeway(value: timedelta) -> timedelta:
    if value > MAX_LEEWAY:
        raise ValueError("must be at most 60s")
    return value


def _recheck(value: timedelta | None) -> timedelta | None:
    if value is not None and value < MIN_RECHECK:
        raise ValueError("must be at least 1m, or null")
    return value


#: One word, as it stands in a list that blanks separate (RFC 6749 §3.3).
Word = Annotated[str, Field(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]+$")]


class OIDCSettings(ProviderSettings):
    """
    One OpenID provider.

    Attributes:
        preset: A named set of defaults for a well-known provider; every key that is written outranks it.
        issuer: The issuer identifier, compared character by character with all that claims to come from it.
        endpoints: The provider's addresses, if it publishes no metadata.
        allowed_tenants: The organisations whose people may come: Entra tenant ids, or Google Workspace domains.
        client_id: What the provider knows this application by.
        client_secret: The secret it gave out; for the two kinds of ``client_auth`` that are named after it.
        client_auth: How the application shows the token endpoint who it is (OpenID Connect Core §9).
        client_keys: Private keys for ``private_key_jwt``, as PEM or JWK, newest first: it signs, all are published.
        assertion_audience: Whom the signed assertion is for.
        scope: What is asked for; ``openid`` is always among it.
        claims: Which claim holds what.
        graph: Where Microsoft Graph is asked for groups that are too many for a token; ``null`` = such people
            are refused.
        id_token_alg: The one signature algorithm that is believed, whatever the token itself says.
        response_mode: How the browser brings the answer back.
        acr: Authentication context classes that are asked for, one of which the token has to name.
        amr: Authentication methods, one of which the token has to name.
        domains: E-mail domains whose people are sent to this provider.
        leeway: By how much the provider's clock may differ, at most 60 seconds.
        userinfo: Whether the UserInfo endpoint is asked: ``auto`` = when the ID token lacks a mapped claim.
        userinfo_token: Where it takes the access token from (RFC 6750 §2): the ``header``, or the ``body`` of a form.
        recheck: How long a session goes on before the provider is asked whether the person is still there.
        logout: What a logout does beside ending the session here.
        trust_amr: ``amr`` and ``acr`` values that count as a second factor.
        button: Markdown of the button on the login page.
        auto_login: Whether somebody without a session is logged in by it without asking.
        primary: Whether the login page goes straight to this provider.
        network: How the provider is reached.
    """

    preset: PresetName | None = None
    issuer: Annotated[str, AfterValidator(_issuer)] = ""
    endpoints: EndpointSettings | None = None
    allowed_tenants: tuple[str, ...] = ()
    client_id: Annotated[str, Field(min_length=1, max_length=1000)]
    client_secret: Secret | None = None
    client_auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] = "client_secret_basic"
    client_keys: tuple[Secret, ...] = ()
    assertion_audience: Literal["issuer", "token_endpoint"] = "issuer"
    scope: tuple[Word, ...] = ("openid", "profile", "email")
    claims: ClaimNames = ClaimNames()
    graph: str | None = None
    id_token_alg: Literal["RS256", "PS256", "ES256", "EdDSA"] = "RS256"
    response_mode: Literal["query", "form_post"] = "query"
    acr: tuple[Word, ...] = ()
    amr: tuple[Word, ...] = ()
    domains: tuple[str, ...] = ()
    leeway: Annotated[Duration, AfterValidator(_leeway)] = MAX_LEEWAY
    userinfo: Literal["auto", "always", "never"] = "auto"
    userinfo_token: Literal["header", "body"] = "header"
    recheck: Annotated[Duration | None, AfterValidator(_recheck)] = None
    logout: LogoutSettings = LogoutSettings()
    trust_amr: tuple[str, ...] = ()
    button: str = ""
    auto_login: bool = False
    primary: bool = False
    network: NetworkSettings = NetworkSettings()

    @model_validator(mode="before")
    @classmethod
    def _over_the_preset(cls, block: object) -> object:
        return with_preset(block)

    @model_validator(mode="after")
    def _fits_together(self) -> OIDCSettings:
        fault = next(self._faults(), None)
        if fault is not None:
            raise ValueError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        if not self.issuer:
            yield "issuer: is required"
        if TENANT in self.issuer and not self.allowed_tenants:
            yield f"allowed_tenants: is needed: anybody may make an organisation of their own, and {TENANT} takes all"
        if self.allowed_tenants and self.special.tenant_claim is None:
            yield "allowed_tenants: is for google and microsoft only"
        if self.special.oauth2:
            yield from self._oauth2_faults()
        elif "openid" not in self.scope:
            yield 'scope: must hold "openid": without it nobody says who somebody is'
        yield from self._credential_faults()
        yield from self._address_faults()

    def _oauth2_faults(self) -> Iterator[str]:
        for key in ("acr", "amr", "recheck"):
            if getattr(self, key):
                yield f"{key}: needs an ID token, which {self.preset} has none of"

    def _credential_faults(self) -> Iterator[str]:
        if self.client_auth in {"client_secret_basic", "client_secret_post"} and not self.client_secret_text():
            yield f"client_secret: is needed for client_auth {self.client_auth}"
        if self.client_auth == "private_key_jwt" and not self.client_keys:
            yield "client_keys: is needed for client_auth private_key_jwt"
        for secret in self.client_keys:
            try:
                read_private_key(secret.reveal())
            except ClientKeyError as error:
                yield f"client_keys: {error}"

    def _address_faults(self) -> Iterator[str]:
        written = self.endpoints
        if written is not None and written.jwks is None and not self.special.oauth2:
            yield "endpoints.jwks: is required"
        if self.graph is not None and not self.special.leaves_out_groups:
            yield "graph: is for microsoft only"
        addresses = {f"endpoints.{key}": url for key, url in written or ()}
        for key, url in {**addresses, "graph": self.graph}.items():
            fault = None if url is None else url_fault(url, plain_loopback=self.plain_loopback)
            if fault is not None:
                yield f"{key}: {fault}"

    def client_secret_text(self) -> str:
        """The client secret as of now, empty if there is none; it is read again whenever its file changes."""
        return self.client_secret.reveal() if self.client_secret is not None else ""

    @property
    def special(self) -> Preset:
        """What no key can say of this provider; known by its address if not by its preset."""
        if self.preset is not None:
            return PRESETS[self.preset]
        host = host_of(self.issuer)
        return next((preset for preset in PRESETS.values() if preset.host == host), PRESETS[""])

    @property
    def expected_issuer(self) -> Issuer:
        """Whom a token has to be from."""
        tenants = frozenset(tenant.lower() for tenant in self.allowed_tenants)
        return Issuer(self.issuer, self.special.tenant_claim, tenants)

    @property
    def plain_loopback(self) -> bool:
        """Whether ``http`` is believed on this machine: only if the issuer itself is such a test provider."""
        return self.issuer.startswith("http://")
