"""E-mail addresses that people give themselves: which ones are taken, and how they are written."""

from __future__ import annotations

import re

__all__ = ["MAX_ADDRESS", "as_address"]

#: RFC 5321 §4.5.3.1.3, without the angle brackets.
MAX_ADDRESS = 254

#: RFC 5321 §4.1.2: a dot-string before the @, labels of a host name behind it. No quoted strings, no IP
#: literals, and ASCII only: a name that looks like another one can't be registered (UNI-04 to UNI-06). A domain
#: with other letters is given by its A-labels (``xn--…``).
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)


def as_address(text: str) -> str | None:
    """
    *text* as an e-mail address in lower case; ``None`` if it is none that somebody could register.

    Args:
        text: As typed.
    """
    if len(text) > MAX_ADDRESS + 2:
        return None
    address = text.strip(" ")
    local, at, domain = address.rpartition("@")
    labels = domain.split(".")
    good = (
        at
        and len(address) <= MAX_ADDRESS
        and len(local) <= 64
        and _LOCAL.fullmatch(local)
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )
    return address.lower() if good else None
