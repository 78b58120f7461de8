"""Codes of a token with a button (RFC 4226)."""

from onegov_auth_hotp.factor import HOTPFactor

__all__ = ["HOTPFactor"]
