"""The shipped fixtures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from onegov_auth.database import Database
from onegov_auth.models import UserGroup
from onegov_auth.testing.clock import FakeClock

MISSING = """
import pytest
from onegov_auth.testing.plugin import require_server
from onegov_auth.testing.servers import Redis

class Missing(Redis):
    program = "redis-of-nobody"

def test_missing():
    require_server(Missing)
"""

FAILING = """
from onegov_auth.testing.contracts.logs import leaks
import onegov_auth.testing.contracts.password as module

def test_rewritten():
    assert type(module.__loader__).__name__ == "AssertionRewritingHook"
"""


def run_pytest(folder: Path, test: str, **environment: str) -> str:
    """What pytest prints about a test file."""
    (folder / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-p", "onegov_auth.testing.plugin", "-p", "no:cacheprovider", "-rsf"]
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(command, cwd=folder, env=inherited | environment, capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.parametrize("time", [1, 2])
def test_a_database_of_each_kind_has_all_tables_and_no_rows(database: Database, time: int) -> None:
    """The fixture comes twice, once per kind; what a test writes, the next one does not find."""
    with database.unit() as db:
        assert db.scalars(select(UserGroup)).all() == []
        db.add(UserGroup(name="written"))


def test_sqlite_lies_in_the_tests_own_folder(sqlite_url: str, tmp_path: Path) -> None:
    """A file that no other test sees."""
    assert str(tmp_path) in sqlite_url


def test_a_test_has_one_clock(clock: FakeClock, request: pytest.FixtureRequest) -> None:
    """Whoever asks for the clock in a test gets the same."""
    assert request.getfixturevalue("clock") is clock


def test_a_missing_server_skips_on_a_laptop(tmp_path: Path) -> None:
    """The package is named."""
    printed = run_pytest(tmp_path, MISSING)

    assert "1 skipped" in printed
    assert "redis-of-nobody was not found: install the package redis-server" in printed


@pytest.mark.parametrize("value", ["true", "1"])
def test_a_missing_server_fails_in_ci(tmp_path: Path, value: str) -> None:
    """Where everything should be installed, a skip would hide that a test didn't run."""
    printed = run_pytest(tmp_path, MISSING, CI=value)

    assert "1 failed" in printed
    assert "install the package redis-server" in printed


def test_switched_off_ci_skips(tmp_path: Path) -> None:
    """CI=false is a laptop."""
    assert "1 skipped" in run_pytest(tmp_path, MISSING, CI="false")


def test_contract_suites_explain_failed_asserts(tmp_path: Path) -> None:
    """Their asserts are rewritten as those of a test file."""
    assert "1 passed" in run_pytest(tmp_path, FAILING)


def test_the_plugin_imports_only_what_it_is() -> None:
    """Loaded before coverage starts, it imports no room of the framework, which is to be measured."""
    code = "import sys, onegov_auth.testing.plugin; print(*(n for n in sys.modules if n.startswith('onegov_auth.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    harmless = {
        "onegov_auth.lazy",
        "onegov_auth.testing",
        "onegov_auth.testing.plugin",
        "onegov_auth.testing.rewriting",
    }

    assert set(done.stdout.split()) <= harmless
