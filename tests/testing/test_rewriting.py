"""Assertion rewriting for the contract suites."""

from __future__ import annotations

import subprocess
import sys

from onegov_auth.testing import rewriting


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_registering_twice_is_allowed() -> None:
    """A second import of the kit does no harm."""
    rewriting.register()


def test_without_pytest_nothing_is_imported() -> None:
    """The demo starts servers where pytest may not be installed."""
    assert run("import sys, onegov_auth.testing.servers; print('pytest' in sys.modules)") == "False"
