"""Cookies: their names, how they are read, how they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["CookieJar", "read_cookie"]

_VALUE = re.compile(r"[A-Za-z0-9._~=-]*", re.ASCII)
#: Everything but visible ASCII characters.
_ODD = re.compile(r"[^!-~]")
#: What a browser is sure to keep of one cookie, with its name and attributes (RFC 6265 §6.1, ASVS 3.3.5).
MAX_SIZE = 4096


def read_cookie(header: str | None, name: str) -> str | None:
    """
    The value of the cookie *name* in a Cookie header.

    Two of the same name mean that another site of the same domain tossed one in: then there is none (COOKIE-03).
    So does a name that is ours but for characters no name of ours has: a browser takes such a cookie from any site of
    the domain, prefix or not, and what drops those characters on the way would make it ours.
    """
    if not header or name not in header:
        return None
    plain = header.isascii() and header.isprintable()
    found = None
    for pair in header.split(";"):
        # RFC 6265 §5.4 puts a space between cookies; what else Python calls white space is part of a name.
        key, _, value = pair.strip(" \t").partition("=")
        if key == name:
            if found is not None:
                return None
            found = value
        elif not plain and _ODD.sub("", key) == name:
            return None
    return found


@dataclass(frozen=True, slots=True)
class CookieJar:
    """
    The cookies of one application.

    With ``secure``, names have the ``__Host-`` prefix (RFC 6265bis §4.1.3.2): a browser takes them over TLS only,
    from this host only. Such cookies know neither path nor port, so that the application is part of the name.

    Attributes:
        session: The session token.
        browser: A random value before there is a session; binds forms and transactions to this browser.
        flash: What to tell the person on the next page.
        carried: What a mailed link carries, on its way into a form.
        device: Knows a browser again that somebody logged in with before.
        trusted: Says that the second factor need not be asked for in this browser.
        secure: Whether TLS is demanded.
    """

    session: str
    browser: str
    flash: str
    carried: str
    device: str
    trusted: str
    secure: bool

    @classmethod
    def named(cls, name: str, *, secure: bool) -> Self:
        """The cookies of the application whose cookie *name* is that."""
        base = ("__Host-" if secure else "") + name.removeprefix("__Host-")
        return cls(
            base, f"{base}-browser", f"{base}-flash", f"{base}-link", f"{base}-device", f"{base}-trusted", secure
        )

    def header(self, name: str, value: str, max_age: int | None = None) -> str:
        """
        A ``Set-Cookie`` value (COOKIE-01).

        Args:
            name: One of ours.
            value: Letters, digits and ``._~=-`` only.
            max_age: Seconds to keep it; None = until the browser is closed, 0 = forget it now.

        Raises:
            ValueError: If the value can't stand in a cookie as it is, or is too long.
        """
        age = "" if max_age is None else f"; Max-Age={max_age}"
        line = f"{name}={value}; Path=/{age}; HttpOnly; SameSite=Lax{'; Secure' if self.secure else ''}"
        if not _VALUE.fullmatch(value) or len(line) > MAX_SIZE:
            raise ValueError(f"the value can't be kept in the cookie {name}")
        return line

    def forget(self, name: str) -> str:
        """A ``Set-Cookie`` value that deletes the cookie."""
        return self.header(name, "", 0)
