"""All of the administration, as one part of :class:`onegov_auth.auth.Auth`."""

from __future__ import annotations

from onegov_auth.administration.access import ManagingAccess
from onegov_auth.administration.rights import ManagingRights
from onegov_auth.administration.selected import ManagingSelected

__all__ = ["Managing"]


class Managing(ManagingSelected, ManagingRights, ManagingAccess):
    """Accounts, rights, sessions and attempts."""
