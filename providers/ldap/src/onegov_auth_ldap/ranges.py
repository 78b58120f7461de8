"""Attributes with so many values that a server tells them in parts (MS-ADTS §3.1.1.3.1.3.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.errors import DirectoryError

__all__ = ["MAX_VALUES", "joined", "open_ranges"]

#: Values of one attribute; Active Directory itself ends far below, and a server without end would fill the memory.
MAX_VALUES = 500_000

_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<first>[0-9]{1,9})-(?P<last>[0-9]{1,9}|\*)")


def open_ranges(entry: Entry) -> tuple[str, ...]:
    """The attribute descriptions to ask for next; empty once *entry* is complete."""
    matches = filter(None, map(_RANGE.fullmatch, entry.values))
    return tuple(f"{one['name']};range={_next(one)}-*" for one in matches)


def joined(entry: Entry, found: Sequence[Entry]) -> Entry:
    """
    *entry* with the parts that were *found* when asked for :func:`open_ranges`.

    Raises:
        DirectoryError: If they are not the parts that follow: what is left out then is not known.
    """
    if len(found) != 1:
        raise DirectoryError("protocol", "an entry is gone while it is read")
    values = dict(entry.values)
    following = {one["name"]: one for one in map(_RANGE.fullmatch, found[0].values) if one}
    for known in filter(None, map(_RANGE.fullmatch, entry.values)):
        part = following.get(known["name"])
        if part is None or int(part["first"]) != _next(known) or _ends_early(part):
            raise DirectoryError("protocol", f"the values of {known['name']} do not go on")
        octets = values.pop(known[0]) + found[0].values[part[0]]
        if len(octets) > MAX_VALUES:
            raise DirectoryError("too_large", f"{known['name']} has no end")
        name = known["name"] if part["last"] == "*" else f"{known['name']};range={known['first']}-{part['last']}"
        values[name] = octets
    return Entry(entry.dn, values)


def _ends_early(part: re.Match[str]) -> bool:
    return part["last"] != "*" and int(part["last"]) < int(part["first"])


def _next(part: re.Match[str]) -> int:
    # Every part that is asked about begins with the first value, and says where it ends.
    if int(part["first"]) or part["last"] == "*":
        raise DirectoryError("protocol", f"the values of {part['name']} do not begin at the beginning")
    return int(part["last"]) + 1
