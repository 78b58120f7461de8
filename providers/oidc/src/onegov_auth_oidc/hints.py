"""What a login may be begun with beside the settings (OpenID Connect Core §3.1.2.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

__all__ = ["Hints", "read_hints"]

#: These are handed on as they are; of everything else only what is checked afterwards.
HANDED_ON = ("prompt", "login_hint", "ui_locales")

#: An address has 254 characters at most (RFC 5321 §4.5.3.1.3).
MAX_LENGTH = 255

_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Hints:
    """
    The hints that are understood.

    Attributes:
        handed_on: Parameters of the request.
        acr: Authentication classes, one of which the token has to name.
        max_age: How long ago the person may have proven who they are.
    """

    handed_on: Mapping[str, str] = field(default_factory=dict)
    acr: tuple[str, ...] = ()
    max_age: timedelta | None = None


def read_hints(given: Mapping[str, str]) -> Hints:
    """
    Of *given* what is understood.

    Raises:
        ValueError: If ``max_age`` is no number of seconds: a demand that was mistyped must not be forgotten.
    """
    handed_on = {name: given[name] for name in HANDED_ON if _is_text(given.get(name, ""))}
    max_age = given.get("max_age")
    if max_age is not None and not _SECONDS.fullmatch(max_age):
        raise ValueError("max_age is no number of seconds")
    age = None if max_age is None else timedelta(seconds=int(max_age))
    return Hints(handed_on, tuple(given.get("acr_values", "").split()), age)


def _is_text(value: str) -> bool:
    return 0 < len(value) <= MAX_LENGTH and value.isprintable()
