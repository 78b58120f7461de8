"""The sample provider of "Adding a provider" is installed, keeps the contract and logs somebody in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROGRAM = """
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.models import Base
from onegov_auth.settings import settings_from

from onegov_auth_passwd.provider import line

with open("passwd", "w") as file:
    file.write(line("1001", "ann", "correct horse battery staple", "0f" * 16))
settings = settings_from({
    "base_url": "https://app.example.org",
    "database": "sqlite:///auth.db",
    "secrets": ["qM6Zl3dpUS0fJ2yD8rHk1xWvTb7nEo4cAgYi5uLs9tRjKhPw"],
    "providers": {
        "local": {"kind": "local"},
        "staff": {"kind": "passwd", "path": "passwd", "roles": {"member": ["*"]}},
    },
})
database = Database("sqlite:///auth.db")
Base.metadata.create_all(database.engine)
auth = Auth.from_settings(settings, database=database)
for password in ("correct horse battery staple", "wrong"):
    outcome = auth.login("ann", password, Client())
    print(type(outcome).__name__, getattr(getattr(outcome, "user", None), "source_id", None))
database.dispose()
"""


@pytest.fixture(name="site")
def _site(tmp_path: Path, examples: Path) -> Path:
    """A folder of installed packages with the sample in it, as an installer would lay it out."""
    sample = examples / "passwd"
    site = tmp_path / "site"
    shutil.copytree(sample / "src", site)
    project = tomllib.loads((sample / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    points = "".join(f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in groups)
    (info / "entry_points.txt").write_text(points)
    return site


def _run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=site.parent,
        env=environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_sample_provider_logs_in(site: Path) -> None:
    """Somebody from the password file becomes a user with the file's key, and a wrong password is refused."""
    result = _run(site, "-c", PROGRAM)

    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n")[:2] == ["LoggedIn 1001", "Refused None"]


@pytest.mark.slow
def test_sample_provider_keeps_the_contract(site: Path, examples: Path) -> None:
    """The shipped suite passes on the sample, by the very test file the page shows."""
    contract = examples / "passwd" / "tests" / "test_contract.py"
    options = [
        "--import-mode=importlib",
        "-p",
        "onegov_auth.testing.plugin",
        "-W",
        "error",
        "-q",
        "--rootdir",
        str(site),
    ]
    config = ["-c", "/dev/null", "-p", "no:cacheprovider", "-o", "markers=sec"]
    result = _run(site, "-m", "pytest", *config, *options, str(contract))

    assert result.returncode == 0, result.stdout[-4000:]
    assert " passed" in result.stdout
