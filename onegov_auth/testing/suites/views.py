"""The base for tests of a host's own views."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from onegov_auth.testing.client import AuthClient
from onegov_auth.testing.suites.base import AuthSuite

__all__ = ["ViewTestBase"]


class ViewTestBase(AuthSuite):
    """
    For tests of a host's own views: somebody with the permissions is logged in, as in the second seed.

    Attributes:
        permissions: The tokens the user has.
        role: The user's role.
        current_user: The user.
        client: The user's browser.
    """

    permissions: ClassVar[tuple[str, ...]] = ()
    role: ClassVar[str] = "member"

    current_user: Any
    client: AuthClient

    @pytest.fixture(autouse=True)
    def _log_in(self, _begin: None) -> None:
        self.setup_user()

    def create_user(self) -> Any:
        """A user with the permissions; a host may make another one."""
        return self.make_user(permissions=self.permissions, role=self.role)

    def setup_user(self) -> None:
        """Make the user and log them in; called before each test."""
        self.current_user = self.create_user()
        self.client = self.browser(self.current_user)
