"""A host with numbers for keys, tables and columns of its own and e-mail login passes all inherited suites."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.testing.suites import (
    AuthAttemptTests,
    AuthTests,
    CsrfTests,
    PermissionTests,
    RecoveryTests,
)


class Staff:
    """The host."""

    @pytest.fixture(name="application")
    def _application(self, make_application: Any, staff_app: Any) -> Any:
        """With people who join by themselves."""
        return make_application(staff_app.App, registration={"enabled": True})


class TestLogin(Staff, AuthTests):
    """Logging in and out; nobody gets in whose address was not verified."""

    refused = AuthTests.refused | {"not verified": {"email_verified": False}}


class TestAttempts(Staff, AuthAttemptTests):
    """Its own table of attempts."""


class TestRecovery(Staff, RecoveryTests):
    """The mail goes to the address people log in with."""


class TestForms(Staff, CsrfTests):
    """All of them, and those of the administration."""


class TestPermissions(Staff, PermissionTests):
    """Abilities, teams and kits."""

    page = "/payroll"
    permissions = ("payroll.read",)
