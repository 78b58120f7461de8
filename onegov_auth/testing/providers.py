"""
Providers that know whom a test tells them: for applications that test their own rules.

They take the place of a directory or an issuer where the network is not what is tested. Both are
complete providers and keep the whole contract; they are no mocks of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar
from urllib.parse import urlencode

from onegov_auth.providers import (
    Callback,
    Directory,
    DirectoryUnavailableError,
    Password,
    PasswordProvider,
    ProviderSettings,
    Redirect,
    RedirectProvider,
    Refused,
    SyncSettings,
    Transaction,
    Unavailable,
    VerifiedIdentity,
)

__all__ = ["KnownDirectory", "KnownIssuer", "KnownPeople", "person"]


def person(source: str, source_id: str, username: str, **more: object) -> VerifiedIdentity:
    """An identity as a provider named *source* would verify it; *more* are its other attributes."""
    base = VerifiedIdentity(source=source, issuer=f"test:{source}", source_id=source_id, username=username)
    return replace(base, **more)  # type: ignore[arg-type]  # mypy checks no keywords of replace()


@dataclass(frozen=True, kw_only=True)
class KnownPeople(PasswordProvider):
    """
    A directory of the people it was told.

    Attributes:
        people: Login name to password and identity; may be changed while it is in use.
        asked: The login names it was asked for, in order.
        down: Anything in it makes the directory unreachable.
    """

    kind: ClassVar[str] = "known-people"

    settings: ProviderSettings = field(default_factory=lambda: ProviderSettings(kind="known-people"))
    people: dict[str, tuple[str, VerifiedIdentity]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def authenticate(self, username: str, password: Password) -> VerifiedIdentity | Refused | Unavailable:
        """Who has this login name and password?"""
        self.asked.append(username)
        if not password:
            return Refused("empty_password")
        if self.down:
            return Unavailable(self.name, "unreachable")
        if username not in self.people:
            return Refused("unknown_user")
        expected, identity = self.people[username]
        return identity if password.reveal() == expected else Refused("wrong_password")


@dataclass(frozen=True, kw_only=True)
class KnownDirectory(PasswordProvider, Directory):
    """
    A directory that can list its people for a sync.

    Attributes:
        sync: What to do about people who are gone.
        listed: Whom it lists, in this order; may be changed.
        tells: After how many it stops answering; empty = it lists all of them.
        password: Everybody's password.
    """

    kind: ClassVar[str] = "known-directory"

    settings: ProviderSettings = field(default_factory=lambda: ProviderSettings(kind="known-directory"))
    sync: SyncSettings = field(default_factory=lambda: SyncSettings(max_drop="50%"))
    listed: list[VerifiedIdentity] = field(default_factory=list)
    tells: list[int] = field(default_factory=list)
    password: str = field(default="password", repr=False)

    @property
    def sync_settings(self) -> SyncSettings:
        """What to do about people who are gone."""
        return self.sync

    def authenticate(self, username: str, password: Password) -> VerifiedIdentity | Refused | Unavailable:
        """Who is listed by this name?"""
        found = next((person for person in self.listed if person.username == username), None)
        if found is None:
            return Refused("unknown_user")
        return found if password.reveal() == self.password else Refused("wrong_password")

    def people(self) -> Iterator[VerifiedIdentity]:
        """Everybody it was told to list."""
        for number, identity in enumerate(list(self.listed)):
            if number in self.tells:
                raise DirectoryUnavailableError("connection", f"gone after {number}")
            yield identity


@dataclass(frozen=True, kw_only=True)
class KnownIssuer(RedirectProvider):
    """
    An issuer that vouches for whom it was told.

    Attributes:
        people: The code a browser brings back, to the identity it stands for.
        down: Anything in it makes the issuer unreachable.
    """

    kind: ClassVar[str] = "known-issuer"

    settings: ProviderSettings = field(default_factory=lambda: ProviderSettings(kind="known-issuer"))
    people: dict[str, VerifiedIdentity] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)

    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """Send the browser to an address that nobody serves."""
        if self.down:
            return Unavailable(self.name, "unreachable")
        query = urlencode({"state": transaction.id, "redirect_uri": self.services.callback_url})
        return Redirect(f"https://issuer.invalid/authorize?{query}", {"begun": self.name})

    def finish(self, callback: Callback, transaction: Transaction) -> VerifiedIdentity | Refused | Unavailable:
        """Look the code up."""
        if transaction.data.get("begun") != self.name:
            return Refused("foreign_transaction")
        if self.down:
            return Unavailable(self.name, "unreachable")
        return self.people.get(callback.params.get("code", ""), Refused("invalid_code"))
