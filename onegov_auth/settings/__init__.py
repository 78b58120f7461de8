"""The configuration: YAML in, frozen and checked settings out."""

from onegov_auth.settings.loader import load_settings, settings_from
from onegov_auth.settings.model import DEFAULT_ROLES, Settings
from onegov_auth.settings.pending import Pending, refuse_pending
from onegov_auth.settings.providers import ProviderSettings
from onegov_auth.settings.types import Duration, Secret, Section

__all__ = [
    "DEFAULT_ROLES",
    "Duration",
    "Pending",
    "ProviderSettings",
    "Secret",
    "Section",
    "Settings",
    "load_settings",
    "refuse_pending",
    "settings_from",
]
