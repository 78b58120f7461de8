"""What ``make services`` does on machines that lack something, played with a search path of our own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

#: Where Debian puts what a domain is made of: not on the search path, so it can't be played.
DOMAIN_FILES = Path("/usr/share/samba/setup")

needs_domain_files = pytest.mark.skipif(not DOMAIN_FILES.exists(), reason="samba-ad-provision is not installed")

#: What the script itself is made of.
TOOLS = ("bash", "cat", "dirname", "env", "id")


@pytest.fixture(name="programs")
def _programs(tmp_path: Path) -> Path:
    """The only folder on the search path, beside ``/usr/sbin``: no apt-get, so nothing is installed."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    return tmp_path


def put(folder: Path, name: str, script: str = "exit 0") -> None:
    """A program of one line."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def run(root: Path, programs: Path, **environment: str) -> tuple[int, str]:
    """The script's exit code and what it complains about."""
    done = subprocess.run(
        [str(programs / "bash"), str(root / ".ci" / "services.sh")],
        env={"PATH": str(programs), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_what_is_missing_is_named_with_the_command(root: Path, programs: Path) -> None:
    """On a laptop without the right to install, the rest goes on."""
    code, printed = run(root, programs)

    assert code == 0
    assert "apt-get install --no-install-recommends" in printed
    assert "ldap-utils redis-server nodejs npm chromium yubiserver" in printed


def test_a_domain_needs_two_packages(root: Path, programs: Path) -> None:
    """A file server's samba is not enough: what makes a domain controller of it is named."""
    put(programs, "samba")
    printed = run(root, programs)[1]

    assert ("samba-ad-dc samba-ad-provision" in printed) is not DOMAIN_FILES.exists()


def test_ci_fails_without_the_servers(root: Path, programs: Path) -> None:
    """Where everything should be installed, it is an error."""
    assert run(root, programs, CI="true")[0] == 1


def test_an_old_node_counts_as_none(root: Path, programs: Path) -> None:
    """The sentence says which version is needed."""
    put(programs, "node", "echo v18.20.4")

    assert "Node.js must be 20 or newer" in run(root, programs)[1]


def test_what_is_there_is_not_asked_for(root: Path, programs: Path) -> None:
    """Only what is missing is named."""
    put(programs, "redis-server")
    put(programs, "chromium")

    assert "ldap-utils nodejs npm yubiserver\n" in run(root, programs)[1]


@needs_domain_files
def test_npm_packages_that_cannot_be_installed_fail_in_ci(root: Path, programs: Path) -> None:
    """The OpenID provider is no less needed than the others."""
    for name in ("slapd", "samba", "postgres", "ldapmodify", "redis-server", "npm", "chromium", "yubiserver"):
        put(programs, name)
    put(programs, "node", "echo v22.0.0")
    put(programs, "python", "echo no network >&2; exit 1")
    python = str(programs / "python")

    assert run(root, programs, PYTHON=python) == (0, "no network\n")
    assert run(root, programs, PYTHON=python, CI="true") == (1, "no network\n")


@needs_domain_files
def test_nothing_is_said_when_all_is_there(root: Path, programs: Path) -> None:
    """It looks, and that is all."""
    for name in ("slapd", "samba", "postgres", "ldapmodify", "redis-server", "npm", "chromium", "yubiserver", "python"):
        put(programs, name)
    put(programs, "node", "echo v22.0.0")

    assert run(root, programs, PYTHON=str(programs / "python"), CI="true") == (0, "")
