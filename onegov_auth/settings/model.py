"""The settings of one application: every block together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PrivateAttr, SerializeAsAny, WithJsonSchema, field_validator

from onegov_auth.settings.accounts import Passwords, Recovery, Registration
from onegov_auth.settings.delivery import SMS, Mail, Tokens
from onegov_auth.settings.factors import SecondFactors
from onegov_auth.settings.look import Look
from onegov_auth.settings.pending import Pending
from onegov_auth.settings.providers import ProviderSettings
from onegov_auth.settings.session import Attempts, Cookies, Sessions
from onegov_auth.settings.steps import LoginSteps
from onegov_auth.settings.types import FrozenMap, Secret, Section

__all__ = ["DEFAULT_ROLES", "Settings"]

Intent: TypeAlias = Literal["Public", "Personal", "Private", "Secret"]

#: In order of power, as onegov.core has them.
DEFAULT_ROLES: Mapping[str, tuple[Intent, ...]] = {
    "admin": ("Public", "Personal", "Private", "Secret"),
    "editor": ("Public", "Personal", "Private"),
    "supporter": ("Public", "Personal", "Private"),
    "member": ("Public", "Personal"),
    "anonymous": ("Public",),
}


_APPLICATION = r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*$"


def _network(value: object) -> object:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        network = ip_network(value) if isinstance(value, str) else None
    except ValueError:
        network = None
    if network is None:
        raise ValueError("must be a network such as 10.0.0.0/8, with no bits set behind its length")
    if network.prefixlen == 0:
        # X-Forwarded-For would be believed from everybody, and with it the address that is throttled.
        raise ValueError("must not be the whole internet: name the networks of your proxies")
    return network


Network: TypeAlias = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network), WithJsonSchema({"type": "string"})]


class Settings(Section):
    """
    All settings of one application, checked and frozen; made by :func:`onegov_auth.settings.load_settings`.

    Attributes:
        application: The application id; the part before ``/`` is the namespace.
        base_url: Where people find the application; links in mails and redirect addresses are made of it.
        database: The SQLAlchemy URL.
        schema_name: The PostgreSQL schema of this tenant; the key is ``schema``.
        secrets: What keys are derived from, newest first; older ones still verify and decrypt.
        title: The name on pages and in mails.
        look: See :class:`Look`.
        language: The language if neither the person nor the browser says one.
        redis: Where attempts are counted for all processes; without it the database counts.
        trusted_proxies: Networks whose ``X-Forwarded-For`` is believed, walked from the right.
        cookies: See :class:`Cookies`.
        sessions: See :class:`Sessions`.
        registration: See :class:`Registration`.
        recovery: See :class:`Recovery`.
        steps: See :class:`LoginSteps`.
        passwords: See :class:`Passwords`.
        attempts: See :class:`Attempts`.
        roles: What each role may do, in order of power.
        privileged_roles: Roles whose holders are never linked to a provider by e-mail alone.
        change_username_roles: Roles whose username follows the provider's.
        second_factors: See :class:`SecondFactors`.
        tokens: See :class:`Tokens`.
        mail: See :class:`Mail`.
        sms: See :class:`SMS`.
        providers: Who is asked who somebody is, in this order; the name becomes ``User.source``.
    """

    application: str = Field("main/app", pattern=_APPLICATION)
    base_url: str
    database: Secret
    # PostgreSQL's limit is 63 bytes; quotes and commas would change the search_path it is set into.
    schema_name: str | None = Field(None, alias="schema", pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$")
    secrets: tuple[Secret, ...] = Field(min_length=1)
    title: str = "onegov_auth"
    look: Look = Look()
    language: Literal["en", "de", "fr", "it", "rm", "es"] = "en"
    redis: Secret | None = None
    trusted_proxies: tuple[Network, ...] = ()
    cookies: Cookies = Cookies()
    sessions: Sessions = Sessions()
    registration: Registration = Registration()
    recovery: Recovery = Recovery()
    steps: LoginSteps = LoginSteps()
    passwords: Passwords = Passwords()
    attempts: Attempts = Attempts()
    roles: FrozenMap[str, tuple[Intent, ...]] = Field(default_factory=lambda: DEFAULT_ROLES, validate_default=True)
    privileged_roles: tuple[str, ...] = ("admin",)
    change_username_roles: tuple[str, ...] = ("admin", "editor", "supporter", "member")
    second_factors: SecondFactors = SecondFactors()
    tokens: Tokens = Tokens()
    mail: Mail = Mail()
    sms: SMS | None = None
    providers: FrozenMap[str, SerializeAsAny[ProviderSettings]] = Field(
        default_factory=lambda: {"local": ProviderSettings(kind="local")}, validate_default=True
    )

    _pending: tuple[Pending, ...] = PrivateAttr(())
    _tenants: tuple[str, ...] = PrivateAttr(())
    _source: str | None = PrivateAttr(None)

    @field_validator("application", mode="before")
    @classmethod
    def _two_names(cls, value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(_APPLICATION, value):
            raise ValueError("must be two names with a slash between, such as town/app")
        return value

    @field_validator("base_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("schema_name")
    @classmethod
    def _not_the_servers(cls, value: str | None) -> str | None:
        if value and value.lower().startswith("pg_"):
            raise ValueError("must not begin with pg_, which PostgreSQL keeps for itself")
        return value

    @property
    def namespace(self) -> str:
        """The part of the application id before ``/``."""
        return self.application.partition("/")[0]

    @property
    def cookie_name(self) -> str:
        """
        The name of the session cookie, with the ``__Host-`` prefix unless ``cookies.secure`` is off.

        Cookies with that prefix know neither path nor port, so the default is made of the application id.
        """
        name = self.cookies.name or self.application.replace("/", "-") + "-auth"
        return f"__Host-{name}" if self.cookies.secure else name

    def password_login(self, role: str) -> bool:
        """Whether somebody with that role may log in with a local password (``passwords.login``)."""
        allowed = self.passwords.login
        return allowed == "all" or (allowed == "break-glass" and role in self.privileged_roles)

    @property
    def pending(self) -> tuple[Pending, ...]:
        """Keys that are switched on and whose feature comes with a later version."""
        return self._pending

    @property
    def tenants(self) -> tuple[str, ...]:
        """The application ids and namespaces that ``tenants`` names, in its order."""
        return self._tenants

    @property
    def source(self) -> str | None:
        """The file the settings came from."""
        return self._source
