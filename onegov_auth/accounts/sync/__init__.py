"""Sync: the people of a directory become users, and those who are gone can't come in any more."""

from onegov_auth.accounts.sync.report import Finding, Report, State
from onegov_auth.accounts.sync.run import Sync

__all__ = ["Finding", "Report", "State", "Sync"]
