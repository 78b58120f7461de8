"""The built-in provider: people whom our own tables know, by their password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from pydantic import model_validator

from onegov_auth.domain import Password, VerifiedIdentity
from onegov_auth.errors import SettingsError
from onegov_auth.outcomes import Refused, Unavailable
from onegov_auth.providers.contract import PasswordProvider, ProviderSettings, Services

__all__ = ["LocalProvider", "LocalSettings"]


class LocalSettings(ProviderSettings):
    """The block of the ``local`` provider: roles and linking are for people from elsewhere."""

    kind: str = "local"

    @model_validator(mode="after")
    def _nothing_else(self) -> Self:
        others = sorted(self.model_fields_set - {"kind"})
        if others:
            raise ValueError(f"a local provider has no {', '.join(others)}")
        return self


@dataclass(frozen=True, kw_only=True)
class LocalProvider(PasswordProvider):
    """Compares with the hashes in our own tables, through what the core hands in."""

    kind: ClassVar[str] = "local"
    settings_class: ClassVar[type[ProviderSettings]] = LocalSettings

    @classmethod
    def create(cls, name: str, settings: ProviderSettings, services: Services) -> Self:
        """
        Make the instance of a configured block.

        Raises:
            SettingsError: If it has another name, or the core hands in no accounts.
        """
        if name != "local":
            raise SettingsError([f"providers.{name}: the local provider is always named local"])
        if services.local_accounts is None:
            raise SettingsError([f"providers.{name}: nothing keeps local accounts here"])
        return cls(name=name, settings=settings, services=services)

    def authenticate(self, username: str, password: Password) -> VerifiedIdentity | Refused | Unavailable:
        """Who has this username and password in our own tables?"""
        if not password:
            return Refused("empty_password")
        accounts = self.services.local_accounts
        if accounts is None:
            return Unavailable(self.name)
        return accounts.verify(username, password)
