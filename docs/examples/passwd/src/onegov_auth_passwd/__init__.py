"""People from a password file."""

from onegov_auth_passwd.provider import PasswdProvider

__all__ = ["PasswdProvider"]
