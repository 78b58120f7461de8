"""How Sphinx builds this documentation: ``make docs``."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

project = "onegov_auth"
author = "The onegov_auth developers"
copyright = author  # noqa: A001 - Sphinx's name
release = version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = f"{project} {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_type_aliases = {"Outcome": "onegov_auth.outcomes.Outcome"}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# No inventories of other projects are fetched, so that the documentation builds without a network: what belongs to
# Python and to libraries can't be linked. Of our own modules those that reference/api.md shows have to be right.
SHOWN = ("accounts", "auth", "domain", "errors", "outcomes", "providers.contract", "providers.registry")
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", rf"(?!onegov_auth\.({'|'.join(SHOWN).replace('.', chr(92) + '.')})\.).*"),
    ("py:.*", r"onegov_auth\.outcomes\.Outcome"),  # an alias
    ("py:.*", r"onegov_auth\.accounts\.(?!Hooks).*"),
]
