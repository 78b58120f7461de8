"""Our own files for the browser: read once, and no path of a request ever meets a file system."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Self

__all__ = ["FILES", "VERSIONS", "StaticFile"]

_TYPES = {"css": "text/css", "js": "text/javascript"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of ours."""

    name: str
    content: bytes
    content_type: str
    version: str

    @classmethod
    def made(cls, name: str, content: bytes) -> Self:
        """The file of that content; its type is that of its name, its version that of its content."""
        return cls(name, content, _TYPES[name.rpartition(".")[2]], hashlib.sha256(content).hexdigest()[:12])


def _read(name: str) -> StaticFile:
    return StaticFile.made(name, (files("onegov_auth.web") / "static" / name).read_bytes())


FILES = {name: _read(name) for name in ("style.css", "auto-login.js", "passkey.js", "submit.js")}

VERSIONS = {name: file.version for name, file in FILES.items()}
