"""What a block of ``kind: passwd`` may hold."""

from __future__ import annotations

from pathlib import Path

from onegov_auth.providers import ProviderSettings

__all__ = ["PasswdSettings"]


class PasswdSettings(ProviderSettings):
    """
    A password file.

    Attributes:
        path: The file; one person a line: ``id:username:salt:hash``, salt and scrypt hash in hexadecimal.
    """

    path: Path
