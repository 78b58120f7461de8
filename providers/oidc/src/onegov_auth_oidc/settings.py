"""What a block of ``kind: oidc`` may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from onegov_auth.providers import Duration, ProviderSettings, Secret, Section
from onegov_auth_oidc.urls import issuer_fault

__all__ = ["ClaimNames", "LogoutSettings", "OIDCSettings", "missing_features"]

#: OIDCX-03: a clock may be wrong by a minute, not by more.
MAX_LEEWAY = timedelta(seconds=60)

#: LINK-02: what a person or an administrator can change, or what is given to somebody else later, is no key.
UNSTABLE = frozenset({"email", "name", "nickname", "preferred_username", "upn", "unique_name", "username"})


def _issuer(value: str) -> str:
    fault = issuer_fault(value)
    if fault is not None:
        raise ValueError(fault)
    return value


def _scope(value: tuple[str, ...]) -> tuple[str, ...]:
    if "openid" not in value:
        raise ValueError('must hold "openid": without it nobody says who somebody is')
    return value


def _leeway(value: timedelta) -> timedelta:
    if value > MAX_LEEWAY:
        raise ValueError("must be at most 60s")
    return value


def _stable(value: str) -> str:
    if value in UNSTABLE:
        raise ValueError(f'"{value}" can change or be given to somebody else; use "sub" or another stable claim')
    return value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


#: One word, as it stands in a list that blanks separate (RFC 6749 §3.3).
Word = Annotated[str, Field(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]+$")]
ClaimName = Annotated[str, Field(min_length=1, max_length=255)]


class ClaimNames(Section):
    """
    Which claim holds what; a dot goes into an object, such as ``resource_access.app.roles``.

    Attributes:
        id: The stable key, which becomes ``User.source_id``.
        username: The name to give a new user.
        email: The address; verified only if the provider says so of this very claim.
        realname: One or several, joined by a blank.
        groups: A list of names, or one name.
    """

    id: Annotated[ClaimName, AfterValidator(_stable)] = "sub"
    username: ClaimName = "email"
    email: ClaimName = "email"
    realname: Annotated[tuple[ClaimName, ...], BeforeValidator(_as_list)] = ("given_name", "family_name")
    groups: ClaimName = "groups"


class LogoutSettings(Section):
    """
    What a logout does beside ending the session here.

    Attributes:
        rp_initiated: Send the browser to the provider's own logout (OpenID Connect RP-Initiated Logout).
        backchannel: Let the provider end sessions here (OpenID Connect Back-Channel Logout).
    """

    rp_initiated: bool = True
    backchannel: bool = True


class OIDCSettings(ProviderSettings):
    """
    One OpenID provider.

    Attributes:
        preset: A named set of defaults for a well-known provider.
        issuer: The issuer identifier, compared character by character with all that claims to come from it.
        client_id: What the provider knows this application by.
        client_secret: The secret it gave out; not needed with ``client_auth: none``.
        client_auth: How the application shows the token endpoint who it is (OpenID Connect Core §9).
        scope: What is asked for; ``openid`` is always among it.
        claims: Which claim holds what.
        id_token_alg: The one signature algorithm that is believed, whatever the token itself says.
        response_mode: How the browser brings the answer back.
        acr: Authentication context classes that are asked for, one of which the token has to name.
        domains: E-mail domains whose people are sent to this provider.
        leeway: By how much the provider's clock may differ, at most 60 seconds.
        userinfo: Whether the UserInfo endpoint is asked: ``auto`` = when the ID token lacks a mapped claim.
        logout: What a logout does beside ending the session here.
        trust_amr: ``amr`` and ``acr`` values that count as a second factor.
        button: Markdown of the button on the login page.
        auto_login: Whether somebody without a session is logged in by it without asking.
        primary: Whether the login page goes straight to this provider.
    """

    later: ClassVar[Mapping[str, tuple[str, bool]]] = {
        "domains": ("the choice of a provider by e-mail address", False),
        "trust_amr": ("a provider's own second factors", False),
        "logout.backchannel": ("back-channel logout", False),
    }

    preset: Literal["google", "microsoft", "keycloak", "authentik", "gitlab", "okta", "zitadel", "github"] | None = None
    issuer: Annotated[str, AfterValidator(_issuer)]
    client_id: Annotated[str, Field(min_length=1, max_length=1000)]
    client_secret: Secret | None = None
    client_auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] = "client_secret_basic"
    scope: Annotated[tuple[Word, ...], AfterValidator(_scope)] = ("openid", "profile", "email")
    claims: ClaimNames = ClaimNames()
    id_token_alg: Literal["RS256", "PS256", "ES256", "EdDSA"] = "RS256"
    response_mode: Literal["query", "form_post"] = "query"
    acr: tuple[Word, ...] = ()
    domains: tuple[str, ...] = ()
    leeway: Annotated[Duration, AfterValidator(_leeway)] = MAX_LEEWAY
    userinfo: Literal["auto", "always", "never"] = "auto"
    logout: LogoutSettings = LogoutSettings()
    trust_amr: tuple[str, ...] = ()
    button: str = ""
    auto_login: bool = False
    primary: bool = False

    @model_validator(mode="after")
    def _secret_is_there(self) -> OIDCSettings:
        if self.client_auth in {"client_secret_basic", "client_secret_post"} and not self.client_secret_text():
            raise ValueError(f"client_secret: is needed for client_auth {self.client_auth}")
        return self

    def client_secret_text(self) -> str:
        """The client secret as of now, empty if there is none; it is read again whenever its file changes."""
        return self.client_secret.reveal() if self.client_secret is not None else ""

    @property
    def plain_loopback(self) -> bool:
        """Whether ``http`` is believed on this machine: only if the issuer itself is such a test provider."""
        return self.issuer.startswith("http://")


#: Accepted and checked, but not built yet. Without them the login would break, or check less than it was told to.
LATER: tuple[tuple[str, Callable[[OIDCSettings], bool]], ...] = (
    ("preset", lambda settings: settings.preset is not None),
    ("client_auth: private_key_jwt", lambda settings: settings.client_auth == "private_key_jwt"),
    ("response_mode: form_post", lambda settings: settings.response_mode == "form_post"),
)


def missing_features(name: str, settings: OIDCSettings) -> list[str]:
    """One sentence for each key that asks for something which comes with a later version."""
    return [
        f"providers.{name}.{key}: comes with a later version of onegov-auth-oidc; leave it out for now"
        for key, asked in LATER
        if asked(settings)
    ]
