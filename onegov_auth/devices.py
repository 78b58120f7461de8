"""
Which browsers somebody has logged in with before, so that a first login from another one can be told.

A cookie of its own says it: a random value and, for each of the last few accounts, a MAC over both. It proves
nothing and opens nothing; whoever has none, or a forged one, is merely told of. Attempts from such a browser have a
budget of their own, which nobody uses up from elsewhere.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from onegov_auth.domain import hexadecimal

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from onegov_auth.keys import Keys

__all__ = ["Devices"]

#: How many accounts one browser is known for; the cookie stays below 300 characters (COOKIE-04).
MAX_ACCOUNTS = 5

_COOKIE = re.compile(r"[A-Za-z0-9_-]{22}(?:\.[A-Za-z0-9_-]{43}){1,5}", re.ASCII)


class Devices:
    """
    Recognises browsers.

    Args:
        keys: Make the MACs.
        token: Makes a secret of the given number of random bytes, as URL-safe text.
    """

    def __init__(self, keys: Keys, token: Callable[[int], str] = secrets.token_urlsafe) -> None:
        self._keys = keys
        self._token = token

    def note(self, cookie: str, user_id: UUID) -> str | None:
        """
        The cookie's new value, which remembers that *user_id* logged in with this browser.

        Args:
            cookie: What the browser sent; untrusted, and empty if it sent none.
            user_id: Who logged in.

        Returns:
            ``None`` if the browser is known for that user already.
        """
        key = hexadecimal(user_id)
        if self.knows(cookie, key):
            return None
        random, *accounts = cookie.split(".") if _COOKIE.fullmatch(cookie) else [self._token(16)]
        mine = self._keys.mac("device", random, key)
        return ".".join([random, mine, *accounts[: MAX_ACCOUNTS - 1]])

    def knows(self, cookie: str, user: str) -> bool:
        """
        Whether that user logged in with this browser.

        Args:
            cookie: What the browser sent; untrusted.
            user: The user's key, in hexadecimal.
        """
        if not _COOKIE.fullmatch(cookie):
            return False
        random, *accounts = cookie.split(".")
        return any(self._keys.verify_mac("device", mac, random, user) for mac in accounts)
