"""The npm packages a throw-away server is made of: installed once, outside this package."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from onegov_auth.testing.servers.process import ServerMissingError, find_program

__all__ = ["OIDC_PROVIDER", "cache_directory", "find_node", "install"]

#: The folder with package.json, package-lock.json, .npmrc and server.mjs of the OpenID provider.
OIDC_PROVIDER = Path(__file__).parent / "oidc_provider"

_MANIFEST = ("package.json", "package-lock.json", ".npmrc")
_OLDEST_NODE = 20
_TIMEOUT = 300  # seconds
_CHECKOUT = Path(__file__).parents[3]


def cache_directory(checkout: Path = _CHECKOUT) -> Path:
    """
    Where installed packages are kept: ``$ONEGOV_AUTH_CACHE``, ``var/cache`` of a checkout, or the user's cache.

    Args:
        checkout: The folder that would be the checkout this module lies in.
    """
    if chosen := os.environ.get("ONEGOV_AUTH_CACHE"):
        return Path(chosen)
    if (checkout / "providers" / "requirements.txt").exists() and os.access(checkout, os.W_OK):
        return checkout / "var" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onegov-auth"


def find_node(program: str = "node") -> Path:
    """Node.js. Raises ServerMissingError when there is none, or one that is too old."""
    node = find_program(program, "nodejs")
    version = subprocess.run([str(node), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < _OLDEST_NODE:
        raise ServerMissingError(f"{program} >= {_OLDEST_NODE}", "nodejs", f"{node} is {version}")
    return node


def install(manifest: Path = OIDC_PROVIDER) -> Path:
    """
    The ``node_modules`` that a lock file describes, installed when they aren't there yet.

    Nothing of what is installed runs during the installation (``--ignore-scripts``), and npm checks every package
    against the lock file's hashes. Safe when several processes do it at once.

    Raises:
        ServerMissingError: npm is missing, or could not install.
    """
    lock = (manifest / "package-lock.json").read_bytes()
    target = cache_directory() / f"{manifest.name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if (target / "node_modules").is_dir():
        return target / "node_modules"
    npm = find_program("npm", "npm")
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix="npm-", dir=target.parent))
    try:
        for name in _MANIFEST:
            shutil.copy(manifest / name, building)
        _npm_ci(npm, building)
        try:
            building.rename(target)
        except OSError:
            # Another process was faster: rename doesn't replace a directory that isn't empty.
            if not (target / "node_modules").is_dir():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target / "node_modules"


def _npm_ci(npm: Path, folder: Path) -> None:
    command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=_TIMEOUT,
            check=True,
        )
    except subprocess.SubprocessError as error:
        output = (getattr(error, "output", None) or str(error)).strip()
        raise ServerMissingError("oidc-provider", "oidc-provider of npm", f"npm ci failed: {output}") from error
