"""
Suites that a host inherits, to prove that its own customised application still keeps people safe.

Subclass one as ``Test…``, say which class is the application, and let pytest load ``onegov_auth.testing.plugin``.
"""

from onegov_auth.testing.suites.attempts import AuthAttemptTests
from onegov_auth.testing.suites.base import AuthSuite
from onegov_auth.testing.suites.csrf import CsrfTests
from onegov_auth.testing.suites.login import AuthTests
from onegov_auth.testing.suites.permissions import PermissionTests
from onegov_auth.testing.suites.recovery import RecoveryTests
from onegov_auth.testing.suites.views import ViewTestBase

__all__ = [
    "AuthAttemptTests",
    "AuthSuite",
    "AuthTests",
    "CsrfTests",
    "PermissionTests",
    "RecoveryTests",
    "ViewTestBase",
]
