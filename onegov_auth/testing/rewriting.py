"""Pytest explains a failed assert in the shipped suites too, if it is told before they are imported."""

from __future__ import annotations

import sys

__all__ = ["register"]


def register() -> None:
    """Register the shipped suites for assertion rewriting, if pytest is what runs us (the demo runs without)."""
    pytest = sys.modules.get("pytest")
    if pytest is not None:
        pytest.register_assert_rewrite("onegov_auth.testing.contracts", "onegov_auth.testing.suites")


register()
