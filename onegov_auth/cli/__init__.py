"""The operator's command, ``onegov-auth``."""

from onegov_auth.cli.commands import main

__all__ = ["main"]
