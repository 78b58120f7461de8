"""The provider: a directory behind the login form."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from onegov_auth.providers import (
    Check,
    Directory,
    Password,
    PasswordProvider,
    ProviderSettings,
    Refused,
    Services,
    SettingsError,
    Step,
    SyncSettings,
    Unavailable,
    VerifiedIdentity,
)
from onegov_auth_ldap.connections import Connections
from onegov_auth_ldap.doctor import Doctor
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.login import Login
from onegov_auth_ldap.people import People
from onegov_auth_ldap.settings import LDAPSettings, TLSSettings
from onegov_auth_ldap.wire import tls_context

__all__ = ["LDAPProvider"]

log = logging.getLogger("onegov_auth.ldap")


@dataclass(frozen=True, kw_only=True)
class LDAPProvider(PasswordProvider, Directory):
    """
    Looks somebody up in an LDAP directory and lets it check their password.

    ``source_id`` is the entry's stable key, ``issuer`` the naming context, and ``groups`` holds the DN of every group
    in lower-case normal form, with the bare ``cn`` of those directly below ``groups.base``. Where Active Directory
    resolves groups in groups, the outer ones among them are those that the settings name.
    """

    kind: ClassVar[str] = "ldap"
    settings_class: ClassVar[type[ProviderSettings]] = LDAPSettings

    @classmethod
    def create(cls, name: str, settings: ProviderSettings, services: Services) -> Self:
        """
        Make the instance; files are read, no server is asked.

        Raises:
            SettingsError: If a certificate or key can't be read.
        """
        if not isinstance(settings, LDAPSettings):
            raise SettingsError([f"providers.{name}: these are no settings of kind ldap"])
        faults = list(_file_faults(settings.tls))
        if faults:
            raise SettingsError([f"providers.{name}.tls.{fault}" for fault in faults])
        if not settings.tls.verify:
            log.warning("providers.%s.tls.verify is off: whoever stands between can read every password", name)
        return cls(name=name, settings=settings, services=services)

    @property
    def hint(self) -> str:
        """Markdown to show above the form; empty for none."""
        return str(self.settings.hint)

    def authenticate(self, username: str, password: Password) -> VerifiedIdentity | Refused | Unavailable:
        """
        Who has this username and password?

        Returns:
            The identity, or ``Refused`` with one of ``unknown_user``, ``ambiguous_user``, ``wrong_password``,
            ``empty_password``, ``invalid_password``, ``no_password``, ``bind_refused``, ``not_a_person``,
            ``account_disabled``, ``account_expired``, ``account_locked``, ``account_state_unreadable``,
            ``password_expired``, ``password_must_change``, ``not_allowed_now``, ``not_allowed_here``,
            ``group_required``, ``group_denied``, ``no_id``, ``no_username``; or ``Unavailable`` with a reason of
            :class:`onegov_auth_ldap.errors.DirectoryError`.
        """
        steps: list[Step] = []
        try:
            login = Login(self.name, self.settings, self._connections(), self.services.clock)
            steps = login.steps
            return login.run(username, password)
        except DirectoryError as error:
            log.warning("directory %s is unavailable: %s", self.name, error)
            return Unavailable(self.name, error.reason, (*steps, Step("directory", error.detail)))

    @property
    def sync_settings(self) -> SyncSettings:
        """What to do about people who are gone."""
        sync: SyncSettings = self.settings.sync
        return sync

    def people(self) -> Iterator[VerifiedIdentity]:
        """
        Everybody in the directory, page by page.

        Who is disabled, expired, or kept out by ``require_group`` or ``deny_group`` is barred; ``groups`` holds those
        that the settings name.

        Raises:
            DirectoryError: If the directory can't be read to its end.
        """
        if self.settings.bind is None:
            raise DirectoryError("service_bind", "no service account is configured", elsewhere=False)
        yield from People(self.name, self.settings, self._connections(), self.services.clock).all()

    def check(self, login: str | None = None, claims: Mapping[str, object] | None = None) -> Iterator[Check]:
        """The doctor's steps: every server, the service account, people, groups, and *login* if given."""
        del claims
        connections, clock = self._connections(), self.services.clock

        def look_up(username: str) -> VerifiedIdentity | Refused:
            return Login(self.name, self.settings, connections, clock).look_up(username)

        yield from Doctor(self.settings, connections, clock, look_up).examine(login)

    def _connections(self) -> Connections:
        # A process forked later must not talk on its parent's connections, nor new settings on those of the old;
        # the number stays theirs, because what is kept holds the settings.
        key = ("ldap", self.services.application, self.name, id(self.settings), os.getpid())
        return self.services.resources.get(key, self._new_connections)

    def _new_connections(self) -> Connections:
        settings: Any = self.settings
        return Connections(settings, self.services.clock)


def _file_faults(tls: TLSSettings) -> Iterator[str]:
    found = False
    for key, path in (("ca_file", tls.ca_file), ("client_cert", tls.client_cert), ("client_key", tls.client_key)):
        if path is None:
            continue
        try:
            Path(path).read_bytes()
        except (OSError, ValueError) as error:
            found = True
            yield f"{key}: {path} can't be read: {getattr(error, 'strerror', None) or error}"
    if not found:
        yield from _content_faults(tls)


def _content_faults(tls: TLSSettings) -> Iterator[str]:
    for key, part in (
        ("ca_file", tls.model_copy(update={"client_cert": None, "client_key": None})),
        ("client_cert", tls.model_copy(update={"ca_file": None})),
    ):
        try:
            tls_context(part)
        except (OSError, ValueError) as error:
            yield f"{key}: holds nothing of use: {error}"
