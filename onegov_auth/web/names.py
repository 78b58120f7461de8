"""Names of people and providers, for people's eyes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from onegov_auth.providers import RedirectProvider

if TYPE_CHECKING:
    from onegov_auth.providers import Provider

__all__ = ["provider_name", "visible"]

#: What a button such as "Log in with **Company**" calls its provider.
_EMPHASIS = re.compile(r"\*\*([^*]+)\*\*")
#: Characters of a name that are shown; e-mail addresses have 254 at most (RFC 5321 §4.5.3.1).
_MAX_NAME = 254


def visible(text: str) -> str:
    """Foreign text with a mark in place of what can't be seen: that would make a name read as another one."""
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[:_MAX_NAME])
    return shown if len(text) <= _MAX_NAME else f"{shown}…"


def provider_name(providers: Mapping[str, Provider], source: str) -> str:
    """A provider as its button calls it, or else by its configured name."""
    provider = providers.get(source)
    emphasised = _EMPHASIS.search(provider.button) if isinstance(provider, RedirectProvider) else None
    return visible(emphasised[1] if emphasised else source)
