"""From an entry to an identity: the same for somebody who logs in and for everybody who is listed."""

from __future__ import annotations

from onegov_auth.providers import AuthnContext, Step, VerifiedIdentity
from onegov_auth_ldap.entry import AUTO_IDS, Entry
from onegov_auth_ldap.names import folded, naming_context
from onegov_auth_ldap.settings import LDAPSettings
from onegov_auth_ldap.state import STATE_ATTRIBUTES

__all__ = ["Identities", "person_attributes"]

#: What says that an entry is Active Directory's, and which its primary group is.
_IN_DOMAIN = ("objectGUID", "objectSid", "primaryGroupID")


class Identities:
    """
    Makes identities of entries.

    Args:
        source: The provider's name.
        settings: The provider's.
    """

    def __init__(self, source: str, settings: LDAPSettings) -> None:
        self._source = source
        self._wanted = settings.attributes
        self._told = _told(settings)
        self._issuer = naming_context(settings.people.base)
        self._domains = {known.lower() for known in settings.link_domains}
        self._required = folded(settings.require_group or "")
        self._denied = folded(settings.deny_group or "")

    def barred(self, groups: frozenset[str]) -> str | None:
        """Why members of these groups may not come in, by ``require_group`` and ``deny_group``."""
        if not self._required and not self._denied:
            return None
        names = {folded(name) for name in groups}
        if self._denied and self._denied in names:
            return "group_denied"
        return "group_required" if self._required and self._required not in names else None

    def make(
        self,
        entry: Entry,
        key: str,
        groups: frozenset[str],
        *,
        authn: AuthnContext = AuthnContext(),  # noqa: B008 - frozen
        steps: tuple[Step, ...] = (),
        barred: str | None = None,
    ) -> VerifiedIdentity:
        """
        The identity of an entry; without a username it has none, which nobody can use.

        Args:
            entry: The person.
            key: Their stable key.
            groups: Their groups.
            authn: How they were proven, if they were.
            steps: What was done.
            barred: Why they may not come in.
        """
        email = entry.text(self._wanted.email)
        return VerifiedIdentity(
            source=self._source,
            issuer=self._issuer,
            source_id=key,
            username=entry.text(*self._wanted.username) or "",
            email=email,
            email_verified=self._vouches_for(email),
            realname=" ".join(filter(None, map(entry.text, self._wanted.realname))) or None,
            groups=groups,
            attributes={"dn": entry.dn} | {name: entry.texts(name) for name in self._told},
            authn=authn,
            steps=steps,
            barred=barred,
        )

    def _vouches_for(self, email: str | None) -> bool:
        # An address is verified where the administrator declared this directory to be the authority for its domain.
        domain = (email or "").rpartition("@")[2].lower()
        return bool(domain) and domain in self._domains


def person_attributes(settings: LDAPSettings) -> tuple[str, ...]:
    """What is read of a person; nothing else leaves the directory."""
    key = settings.attributes.id
    keys = AUTO_IDS if key == "auto" else (key,)
    read = ("memberOf", "uid", "gidNumber", *_IN_DOMAIN, *keys, *_told(settings), *STATE_ATTRIBUTES)
    return tuple(dict.fromkeys(read))


def _told(settings: LDAPSettings) -> tuple[str, ...]:
    names = settings.attributes
    return tuple(dict.fromkeys((*names.username, *names.login, names.email, *names.realname, *names.also)))
