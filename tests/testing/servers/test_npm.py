"""Installing npm packages, with an npm of a few lines and once with the real one."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onegov_auth.testing.servers import ServerMissingError
from onegov_auth.testing.servers.npm import OIDC_PROVIDER, cache_directory, find_node, install


@pytest.fixture(name="programs")
def _programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is looked into first; and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("ONEGOV_AUTH_CACHE", str(tmp_path / "cache"))
    return folder


def put(folder: Path, name: str, script: str) -> None:
    """A program of one line."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_lock_file_names_no_host() -> None:
    """Whoever installs uses the registry they configured; the hashes say what must come from it."""
    lock = (OIDC_PROVIDER / "package-lock.json").read_text()
    packages = [details for name, details in json.loads(lock)["packages"].items() if name]

    assert not re.search(r"https?:|resolved", lock)
    assert all(details["integrity"].startswith("sha512-") for details in packages)


def test_packages_are_installed_as_locked_and_run_nothing(programs: Path) -> None:
    """Npm is told to follow the lock file and to run no script of a package."""
    put(programs, "npm", 'mkdir node_modules && echo "$@" > node_modules/arguments && cp .npmrc node_modules')
    modules = install()

    assert (modules / "arguments").read_text().startswith("ci --ignore-scripts")
    assert "omit-lockfile-registry-resolved=true" in (modules / ".npmrc").read_text()


def test_packages_are_installed_once(programs: Path) -> None:
    """What is there is used."""
    put(programs, "npm", "mkdir node_modules")
    modules = install()
    put(programs, "npm", "exit 1")

    assert install() == modules


def test_two_processes_may_install_at_once(programs: Path) -> None:
    """The slower one uses what the faster one installed, and leaves nothing."""
    put(programs, "npm", "sleep 0.3; mkdir node_modules; touch node_modules/x")
    with ThreadPoolExecutor(4) as pool:
        found = {future.result() for future in [pool.submit(install) for _ in range(4)]}

    assert len(found) == 1
    assert len(list(cache_directory().iterdir())) == 1


def test_a_folder_in_the_way_is_an_error(programs: Path) -> None:
    """Only a finished installation of somebody else is taken instead of ours."""
    put(programs, "npm", "mkdir node_modules")
    modules = install()
    modules.rmdir()
    (modules.parent / "junk").touch()
    with pytest.raises(OSError, match="not empty"):
        install()


def test_a_failed_installation_says_why(programs: Path) -> None:
    """What npm printed is in the error, and nothing half-made stays."""
    put(programs, "npm", "echo 'network is down' >&2; exit 1")
    with pytest.raises(ServerMissingError, match="npm ci failed: network is down"):
        install()

    assert list(cache_directory().iterdir()) == []


def test_a_missing_npm_names_its_package(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no npm is told what to install."""
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(ServerMissingError, match="install the package npm"):
        install()


def test_a_missing_node_names_its_package(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no Node.js is told what to install."""
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(ServerMissingError, match="install the package nodejs"):
        find_node()


def test_an_old_node_is_refused(programs: Path) -> None:
    """A version that oidc-provider doesn't run on is as good as none."""
    put(programs, "node", "echo v18.20.4")
    with pytest.raises(ServerMissingError, match=r"node >= 20 was not found.*is v18\.20\.4"):
        find_node()


def test_a_new_node_is_taken(programs: Path) -> None:
    """The first on the search path."""
    put(programs, "node", "echo v20.0.0")

    assert find_node() == programs / "node"


def test_the_cache_lies_in_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout keeps to itself, so that cleaning it removes everything."""
    monkeypatch.delenv("ONEGOV_AUTH_CACHE", raising=False)
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers" / "requirements.txt").touch()

    assert cache_directory(tmp_path) == tmp_path / "var" / "cache"


def test_the_cache_of_an_installed_package_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a checkout the XDG rules hold, because a package may be read-only."""
    monkeypatch.delenv("ONEGOV_AUTH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")

    assert cache_directory(tmp_path) == Path("/somewhere/onegov-auth")

    monkeypatch.delenv("XDG_CACHE_HOME")

    assert cache_directory(tmp_path) == Path.home() / ".cache" / "onegov-auth"


def test_the_manifest_is_complete() -> None:
    """Everything the provider is made of is shipped in the package, and nothing is installed there."""
    names = {path.name for path in OIDC_PROVIDER.iterdir()}

    assert names == {".npmrc", "package.json", "package-lock.json", "server.mjs"}
    assert shutil.which("node_modules", path=str(OIDC_PROVIDER)) is None
