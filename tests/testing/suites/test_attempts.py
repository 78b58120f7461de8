"""The suite, inherited by a host."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.testing.suites import AuthAttemptTests


class TestAttempts(AuthAttemptTests):
    """The default tables."""

    @pytest.fixture(name="application")
    def _application(self, make_application: Any, host: Any) -> Any:
        """The host."""
        return make_application(host)
