"""
The rules of "Who is it?", as decisions about values: a login and a sync with the directory share them.

Nothing here reads or writes; who calls knows what is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onegov_auth.accounts.roles import match_role
from onegov_auth.domain import Step, VerifiedIdentity
from onegov_auth.models import canonical_username

if TYPE_CHECKING:
    from onegov_auth.models import User
    from onegov_auth.providers import ProviderSettings

__all__ = ["NO_ROLE", "Rules", "authoritative", "groups_step", "names_of", "new_user", "usable_id"]

#: What a source may use as its stable key at most; OpenID Connect Core §2 allows 255 for ``sub``.
MAX_SOURCE_ID = 255

#: The role of somebody from whom a provider took the last group that gave one.
NO_ROLE = "anonymous"


@dataclass(frozen=True, slots=True)
class Rules:
    """
    What an identity becomes.

    Attributes:
        roles: All roles, the most powerful first.
        privileged: Roles whose holders are never linked by e-mail.
        renamed: Roles whose holders follow a rename at the source.
    """

    roles: Sequence[str]
    privileged: Collection[str] = ()
    renamed: Collection[str] = ()

    def first_role(self, identity: VerifiedIdentity, settings: ProviderSettings) -> str | None:
        """The role of somebody new; ``None`` if nothing gives one, or one that is not among the settings' roles."""
        if identity.role is not None:
            return identity.role if identity.role in self.roles else None
        return match_role(settings.roles, self.roles, identity.groups) or settings.default_role

    def role(self, role: str, origin: str | None, identity: VerifiedIdentity, settings: ProviderSettings) -> str | None:
        """
        The role of somebody known; ``None`` if it has to be taken away.

        Args:
            role: The one they have.
            origin: The provider that gave it.
            identity: What the source says now.
            settings: The provider's rules.
        """
        if origin is None or (identity.groups is None and identity.role is None):
            # Given by hand, or nothing was said: what is there stays.
            return role
        return self.first_role(identity, settings)

    def follows(self, key: str, username_key: str, role: str, *, has_password: bool) -> bool:
        """Whether somebody is renamed to *key*, the canonical name at the source; somebody with a password never."""
        return key != username_key and role in self.renamed and not has_password

    def may_adopt(self, others: Sequence[User], identity: VerifiedIdentity, settings: ProviderSettings) -> str | None:
        """Why the identity does not get the account of the same name (``link: verified_email``); ``None`` = it does."""
        other = others[0]
        if settings.link != "verified_email" or len(others) > 1 or not other.is_active:
            return "conflict"
        if other.role in self.privileged:
            return "conflict_privileged"
        if other.identities:
            # Whoever came by another provider before would stay in.
            return "conflict"
        # LINK-08: a verified claim, a domain this provider is the authority for, and a verified local address.
        vouched = authoritative(identity, settings) and other.email_verified and other.email == _email(identity)
        return None if vouched else "conflict"


def usable_id(identity: VerifiedIdentity) -> bool:
    """Whether the source's key can be one (LINK-15: nothing never matches nothing)."""
    key = identity.source_id
    # Half a character is none of any alphabet, and no database takes it.
    whole = key.isascii() or not any("\ud800" <= one <= "\udfff" for one in key)
    return bool(key) and len(key) <= MAX_SOURCE_ID and whole


def names_of(identity: VerifiedIdentity, key: str) -> tuple[str, set[str]]:
    """
    Under which names and addresses somebody local would be in the way of *identity*.

    Args:
        identity: Somebody nobody here is linked to.
        key: Their canonical username.

    Returns:
        The address as a username, and everything an address here may be.
    """
    email = _email(identity)
    if not email:
        return key, {key}
    try:
        as_name = canonical_username(email)
    except ValueError:
        as_name = email
    return as_name, {key, email, as_name}


def new_user(identity: VerifiedIdentity, role: str, settings: ProviderSettings) -> dict[str, object]:
    """What the user made of *identity* begins with, by the names of the attributes."""
    return {
        "username": identity.username,
        "password_hash": "",
        "role": role,
        "role_origin": identity.source,
        "realname": identity.realname,
        "source": identity.source,
        "source_id": identity.source_id,
        "email": _email(identity) or None,
        # Only who is the authority for the domain verifies an address here: by another provider's word alone,
        # somebody could wait in an account for the address's owner to be linked to it (LINK-24).
        "email_verified": authoritative(identity, settings),
        "active": True,
    }


def authoritative(identity: VerifiedIdentity, settings: ProviderSettings) -> bool:
    """Whether the provider verified the address, and is the authority for its domain."""
    domain = _email(identity).rpartition("@")[2]
    listed = {allowed.lower() for allowed in settings.link_domains}
    return bool(domain) and identity.email_verified and domain in listed


def groups_step(identity: VerifiedIdentity) -> Step:
    """What the source said of groups, for the event log."""
    if identity.groups is None:
        return Step("groups", "the source said nothing")
    return Step("groups", ", ".join(sorted(identity.groups)) or "none")


def _email(identity: VerifiedIdentity) -> str:
    return (identity.email or "").strip().lower()
