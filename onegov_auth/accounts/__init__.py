"""Accounts: a verified external identity becomes a local user."""

from onegov_auth.accounts.hooks import Hooks
from onegov_auth.accounts.local import LocalPasswords
from onegov_auth.accounts.preview import missing_checks, missing_rights, preview, preview_checks
from onegov_auth.accounts.resolve import Accounts, Conflict, Resolved

__all__ = [
    "Accounts",
    "Conflict",
    "Hooks",
    "LocalPasswords",
    "Resolved",
    "missing_checks",
    "missing_rights",
    "preview",
    "preview_checks",
]
