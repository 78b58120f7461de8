"""What a directory tells of an entry, with types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

__all__ = ["AUTO_IDS", "Entry", "security_identifier", "stable_id"]

#: Keys that stay when somebody is renamed, in the order they are looked for where the product is unknown: what only one
#: product has comes first, so that it is the same key as where the product is known.
AUTO_IDS = ("objectGUID", "ipaUniqueID", "nsUniqueId", "entryUUID")

#: The same where the product is known, so that the key is no other one once a server was upgraded: 389 Directory Server
#: has an entryUUID for entries since 1.4.4 only. FreeIPA shows its own key to every account, and not always nsUniqueId.
_IDS = {
    "openldap": ("entryUUID",),
    "active-directory": ("objectGUID",),
    "389ds": ("ipaUniqueID", "nsUniqueId"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One entry; values are untrusted, attributes may be missing, several, or no text.

    Attributes:
        dn: Its name as the directory spells it.
        values: Attribute names in lower case to their octets.
    """

    dn: str
    values: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)

    def octets(self, name: str) -> tuple[bytes, ...]:
        """All values, as they came."""
        return self.values.get(name.lower(), ())

    def texts(self, name: str) -> tuple[str, ...]:
        """All values that are text, in an order of ours: a directory's is any (RFC 4511 §4.1.7)."""
        found = []
        for octets in self.octets(name):
            try:
                text = octets.decode("utf-8").strip()
            except UnicodeDecodeError:
                continue
            if text and text.isprintable():
                found.append(text)
        return tuple(sorted(found, key=lambda text: (text.casefold(), text)))

    def text(self, *names: str) -> str | None:
        """The first value of the first of these attributes that has one."""
        return next((texts[0] for name in names if (texts := self.texts(name))), None)


def stable_id(entry: Entry, configured: str, flavour: str = "unknown") -> str | None:
    """
    The key that stays with a person, in its one spelling; ``None`` if there is not exactly one.

    Args:
        entry: The person.
        configured: An attribute, or ``auto`` for the one that servers of this kind have.
        flavour: The product; of an unknown one, the first of :data:`AUTO_IDS` that is there.
    """
    if configured == "auto":
        names = _IDS.get(flavour, AUTO_IDS)
        configured = next((name for name in names if entry.octets(name)), names[0])
    values = entry.octets(configured)
    if len(values) != 1:
        return None
    if configured.lower() == "objectguid":
        # The first three fields are little-endian (MS-DTYP §2.3.4.2).
        return str(UUID(bytes_le=values[0])) if len(values[0]) == 16 else None
    text = entry.text(configured)
    return text.lower() if text and configured in AUTO_IDS else text


def security_identifier(octets: bytes) -> str | None:
    """The text of an ``objectSid`` (MS-DTYP §2.4.2), ``None`` if it is none."""
    if len(octets) < 12 or octets[0] != 1 or len(octets) != 8 + 4 * octets[1]:
        return None
    authority = int.from_bytes(octets[2:8], "big")
    parts = (int.from_bytes(octets[at : at + 4], "little") for at in range(8, len(octets), 4))
    return "-".join(["S-1", str(authority), *map(str, parts)])
