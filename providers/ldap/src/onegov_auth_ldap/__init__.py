"""LDAP and Active Directory for onegov_auth."""

from onegov_auth_ldap.provider import LDAPProvider
from onegov_auth_ldap.settings import LDAPSettings

__all__ = ["LDAPProvider", "LDAPSettings"]
