"""What goes wrong on the wire, inside of this adapter; outside it is ``Unavailable``."""

from __future__ import annotations

from onegov_auth.providers import OnegovAuthError

__all__ = ["OIDCUnreachableError"]


class OIDCUnreachableError(OnegovAuthError):
    """
    Raised when the OpenID provider can't be asked, or answers what can't be used.

    Args:
        reason: The stable code, which becomes ``Unavailable.code``.
        detail: What happened, for the event log; never a secret, and nothing the other side wrote.
    """

    code = "oidc_unreachable"

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)
