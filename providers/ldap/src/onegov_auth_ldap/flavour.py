"""Which product answers: it says so in its root entry (RFC 4512 §5.1), or an entry shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.session import Query

__all__ = ["ROOT", "Flavour", "flavour_of", "is_active_directory"]

Flavour: TypeAlias = Literal["openldap", "active-directory", "389ds", "unknown"]

#: What is read to know; by nobody's rights, so any server tells.
ROOT = Query("", "(objectClass=*)", ("objectClass", "vendorName", "supportedCapabilities"), "base", 1)

#: MS-ADTS §3.1.1.3.4.3: Active Directory, and Active Directory Lightweight Directory Services.
_ACTIVE_DIRECTORY = frozenset({"1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1851"})


def flavour_of(found: Sequence[Entry]) -> Flavour:
    """The product behind the root entry that was read by :data:`ROOT`."""
    for root in found:
        if _ACTIVE_DIRECTORY.intersection(root.texts("supportedCapabilities")):
            return "active-directory"
        if any(name.lower() == "openldaprootdse" for name in root.texts("objectClass")):
            return "openldap"
        if any(name.startswith("389 ") for name in root.texts("vendorName")):
            # FreeIPA's directory is one of these.
            return "389ds"
    return "unknown"


def is_active_directory(flavour: Flavour, person: Entry) -> bool:
    """Whether the rules of Active Directory hold: of an unknown product, by the key that only it has."""
    return flavour == "active-directory" or (flavour == "unknown" and bool(person.octets("objectGUID")))
