"""What an application loads when it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import sys
from onegov_auth import AuthApp

class App(AuthApp):
    pass

App.from_yaml("auth.yml")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""

SETTINGS = """
base_url: https://app.example.org
database: sqlite:///start.db
secrets: [qM6Zl3dpUS0fJ2yD8rHk1xWvTb7nEo4cAgYi5uLs9tRjKhPw]
"""


def _run(folder: Path, *arguments: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_local_accounts_load_no_adapter(tmp_path: Path) -> None:
    """An application with local accounts only loads neither an adapter nor what adapters bring, nor a test tool."""
    (tmp_path / "auth.yml").write_text(SETTINGS)
    _run(tmp_path, "-c", "from onegov_auth.cli import main; main()", "db", "upgrade")
    loaded = set(_run(tmp_path, "-c", START).split())

    assert "morepath" in loaded
    foreign = {"authlib", "httpcore", "ldap3", "onegov_auth_ldap", "onegov_auth_oidc"}
    assert loaded & (foreign | {"click", "httpx", "pytest"}) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Auth", "Hooks", "load_settings"])
def test_names_load_no_framework(tmp_path: Path, name: str) -> None:
    """What works without Morepath doesn't load it."""
    loaded = set(_run(tmp_path, "-c", f"import sys; from onegov_auth import {name}; print(*sys.modules)").split())

    assert "onegov_auth" in loaded
    assert loaded & {"morepath", "webob", "click"} == set()
