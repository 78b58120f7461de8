"""Tests of a host's own views."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.testing.suites import ViewTestBase


class TestInvoices(ViewTestBase):
    """Somebody who may see the page."""

    permissions = ("invoices.read", "invoices.pay")

    @pytest.fixture(name="application")
    def _application(self, make_application: Any, host: Any) -> Any:
        """The host."""
        return make_application(host)

    def test_somebody_is_logged_in(self) -> None:
        """Before each test, with the permissions the class names."""
        assert self.client.get("/invoices").text == f"invoices of {self.current_user.username}"

    def test_others_come_for_one_request(self) -> None:
        """Without the permissions they are refused."""
        other = self.make_user("ben@example.org", permissions=["invoices.read"])

        assert self.client.get("/invoices", user=other, status=403)
        assert self.client.get("/invoices", user=None, status=303)
        assert self.client.get("/invoices")


class TestOwnUser(TestInvoices):
    """A host that makes its users otherwise."""

    def create_user(self) -> Any:
        """Somebody who may do everything."""
        return self.make_user("root@example.org", is_superuser=True, permissions=self.permissions)

    def test_who_is_logged_in(self) -> None:
        """It is the one the host made."""
        assert self.current_user.username == "root@example.org"
