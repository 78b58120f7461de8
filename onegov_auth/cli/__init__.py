"""The operator's command, ``onegov-auth``."""

from onegov_auth.cli.main import main

__all__ = ["main"]
