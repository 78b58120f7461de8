"""The samples of the page about tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from onegov_auth.testing import suites


def test_own_tests(examples: Path, tmp_path: Path) -> None:
    """All of them pass, each suite among them."""
    shutil.copytree(examples / "own_tests", tmp_path, dirs_exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts="]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert re.search(r"^\d{2,} passed", done.stdout, re.MULTILINE), done.stdout[-3000:]


def test_every_suite_is_on_the_page(examples: Path) -> None:
    """With all that a host may override."""
    page = (examples.parent / "how-to" / "test-your-application.md").read_text(encoding="utf-8")

    for name in suites.__all__:
        assert f"`{name}`" in page or name == "AuthSuite", name
        own = {
            attribute
            for attribute, value in vars(getattr(suites, name)).items()
            if not attribute.startswith(("_", "test_")) and not callable(value)
        }
        told = set(re.findall(r"`(\w+)`", page)) | {"known", "page", "permissions", "role", "application", "outbox"}
        assert own <= told, name
