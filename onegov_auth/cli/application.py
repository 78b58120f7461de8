"""The application a command works for, named as ``module:Class`` by ``--app``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from onegov_auth.accounts import Hooks
from onegov_auth.cli.failures import SETTINGS, Failure

__all__ = ["hooks_of", "load_application"]


def load_application(name: str) -> Any:
    """
    The class called *name*.

    Args:
        name: ``module:Class``; the module is looked for in the working directory too.

    Raises:
        Failure: If there is none, or it is no :class:`onegov_auth.web.AuthApp`.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise Failure(f"--app {name}: write it as module:Class.", SETTINGS)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise Failure(f"--app {name} can't be loaded: {error}", SETTINGS) from error
    # Only what is asked of it: naming AuthApp here would load Morepath for every command.
    if not (isinstance(found, type) and hasattr(found, "from_settings") and hasattr(found, "all_hooks")):
        raise Failure(f"--app {name} is no AuthApp.", SETTINGS)
    return found


def hooks_of(application: Any) -> Hooks:
    """What that application wants to be told."""
    application.commit()
    hooks: Hooks = application.all_hooks()
    return hooks
