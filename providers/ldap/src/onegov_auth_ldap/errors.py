"""What goes wrong between us and a directory."""

from __future__ import annotations

from onegov_auth.providers import DirectoryUnavailableError

__all__ = ["DirectoryError"]


class DirectoryError(DirectoryUnavailableError):
    """
    Raised when the directory can't say; never when it said no.

    The provider turns it into ``Unavailable(code=reason)``, so nobody is told a password is wrong.

    Args:
        reason: A short stable word: ``dns``, ``connect``, ``timeout``, ``tls``, ``start_tls``, ``connection``,
            ``protocol``, ``too_large``, ``service_bind``, ``service_password``, ``referral``, ``no_such_base``,
            ``limit``, ``result``.
        detail: What was seen; never a secret.
        elsewhere: Whether another server of the list may do better.
        hint: What to change, where the reason alone doesn't say.
    """

    code = "ldap_directory"

    def __init__(self, reason: str, detail: str = "", *, elsewhere: bool = True, hint: str = "") -> None:
        super().__init__(reason, detail)
        self.elsewhere = elsewhere
        self.hint = hint
