"""Providers: who is somebody? All an adapter may import of the core is here."""

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import (
    AuthnContext,
    Callback,
    Client,
    Headers,
    Password,
    SessionInfo,
    Step,
    Transaction,
    VerifiedIdentity,
)
from onegov_auth.errors import DirectoryUnavailableError, MissingDependencyError, OnegovAuthError, SettingsError
from onegov_auth.outcomes import Challenge, Proof, Rechecked, Redirect, Refused, Start, Unavailable
from onegov_auth.providers.contract import (
    Answer,
    Check,
    CheckState,
    Directory,
    Handler,
    PasswordProvider,
    Provider,
    ProviderSessions,
    ProviderSettings,
    RedirectProvider,
    RequestProvider,
    Services,
)
from onegov_auth.providers.resources import Resources
from onegov_auth.settings.providers import GrantSettings, SyncSettings
from onegov_auth.settings.types import Duration, Secret, Section

__all__ = [
    "Answer",
    "AuthnContext",
    "Callback",
    "Challenge",
    "Check",
    "CheckState",
    "Client",
    "Clock",
    "Directory",
    "DirectoryUnavailableError",
    "Duration",
    "GrantSettings",
    "Handler",
    "Headers",
    "MissingDependencyError",
    "OnegovAuthError",
    "Password",
    "PasswordProvider",
    "Proof",
    "Provider",
    "ProviderSessions",
    "ProviderSettings",
    "Rechecked",
    "Redirect",
    "RedirectProvider",
    "Refused",
    "RequestProvider",
    "Resources",
    "Secret",
    "Section",
    "Services",
    "SessionInfo",
    "SettingsError",
    "Start",
    "Step",
    "SyncSettings",
    "Transaction",
    "Unavailable",
    "VerifiedIdentity",
    "utcnow",
]
