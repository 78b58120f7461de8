"""The sample factor of "Adding a second factor" is installed, found, configured, enrolled and used."""

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
from onegov_auth.models import Base, User
from onegov_auth.outcomes import EnrolmentRequired
from onegov_auth.settings import settings_from

from onegov_auth_hotp.factor import code

settings = settings_from({
    "base_url": "https://app.example.org",
    "database": "sqlite:///auth.db",
    "secrets": ["qM6Zl3dpUS0fJ2yD8rHk1xWvTb7nEo4cAgYi5uLs9tRjKhPw"],
    "second_factors": {"hotp": {"look_ahead": 3}, "required_for": ["member"]},
})
database = Database("sqlite:///auth.db")
Base.metadata.create_all(database.engine)
auth = Auth.from_settings(settings, database=database)
with database.unit() as db:
    db.add(User(username="ann", password="correct horse battery staple", role="member"))

SEED, here = "0f" * 20, Client(browser="one browser")
login = lambda: auth.login("ann", "correct horse battery staple", here)
waiting = login()
print(type(waiting).__name__, *waiting.factors)
auth.enrol_at_login(waiting.transaction.id, "hotp", None, here)
print(type(auth.enrol_at_login(waiting.transaction.id, "hotp", f"{SEED} {code(SEED, 0)}", here)).__name__)
for press in (0, 2, 2, 9):
    asked = login()
    outcome = auth.verify_factor(asked.transaction.id, "hotp", code(SEED, press), here)
    print(type(asked).__name__, type(outcome).__name__, getattr(outcome, "code", ""))
database.dispose()
"""

BROKEN = """
from onegov_auth.errors import SettingsError
from onegov_auth.settings import settings_from

for block in ({"hotp": {"look_ahead": 0}}, {"hopt": {}}):
    try:
        settings_from({"base_url": "https://app.example.org", "database": "sqlite:///auth.db", "secrets": ["x" * 48],
                       "second_factors": block})
    except SettingsError as error:
        print(*(fault for fault in error.faults if fault.startswith("second_factors")))
"""


@pytest.fixture(name="site")
def _site(tmp_path: Path, examples: Path) -> Path:
    """A folder of installed packages with the sample in it, as an installer would lay it out."""
    sample = examples / "hotp"
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


@pytest.mark.sec("OTP-02")
def test_sample_factor_is_used(site: Path) -> None:
    """It is found by its entry point, set up at the login that demands one, and no code is taken twice."""
    result = _run(site, "-c", PROGRAM)

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "EnrolmentRequired hotp",
        "LoggedIn",
        "FactorRequired Refused wrong_code",
        "FactorRequired LoggedIn ",
        "FactorRequired Refused wrong_code",
        "FactorRequired Refused wrong_code",
    ]


def test_faults_in_its_block(site: Path) -> None:
    """Its keys are checked with all others, and a name that nobody has is told with the nearest one."""
    result = _run(site, "-c", BROKEN)

    assert result.stdout.splitlines() == [
        "second_factors.hotp.look_ahead: must be at least 1",
        "second_factors.hopt: is unknown; did you mean hotp?",
    ], result.stderr


@pytest.mark.slow
def test_sample_factor_keeps_the_contract(site: Path, examples: Path) -> None:
    """The shipped suite passes on the sample, by the very test file the page shows."""
    contract = examples / "hotp" / "tests" / "test_contract.py"
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
