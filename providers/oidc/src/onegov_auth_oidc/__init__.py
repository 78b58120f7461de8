"""OpenID Connect for onegov_auth: a relying party of the code flow."""

from onegov_auth_oidc.provider import OIDCProvider
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["OIDCProvider", "OIDCSettings"]
