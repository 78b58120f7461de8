"""Access tokens and refresh tokens of API clients, and the keys they are signed with."""

from onegov_auth.jwt.access import AccessClaims, AccessTokens
from onegov_auth.jwt.keys import SigningKeys
from onegov_auth.jwt.refresh import Refreshed, RefreshTokens

__all__ = ["AccessClaims", "AccessTokens", "RefreshTokens", "Refreshed", "SigningKeys"]
