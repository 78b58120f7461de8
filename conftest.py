"""
What all suites share, the core's and the adapters'.

The fixtures (databases, clock, real servers) are in ``onegov_auth.testing.plugin``, because they are shipped.
"""

from __future__ import annotations

import os
import shutil

import pytest
from coverage import Coverage

_PROGRAMS = {
    "slapd": "slapd",
    "redis-server": "redis-server",
    "node": "nodejs",
    "npm": "npm",
    "chromium": "chromium",
    "yubiserver": "yubiserver",
}


def pytest_report_header() -> list[str]:
    """Say at the beginning what is not installed, because those tests are skipped, or fail where ``CI`` is set."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    missing = sorted(package for program, package in _PROGRAMS.items() if shutil.which(program, path=path) is None)
    return [f"not installed: {', '.join(missing)}"] if missing else []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Write down what was covered: a worker that is slow to end is killed, and what it holds is lost."""
    measured = Coverage.current()
    if measured is not None:
        measured.save()
