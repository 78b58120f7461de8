"""Hatchling's hook: translations are compiled when a wheel or an editable install is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own default
    """Makes each ``.mo`` beside its ``.po``; what git ignores has to be named to be taken in."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        """Compile all catalogues."""
        for path in Path(self.root, "onegov_auth", "locale").glob("*/LC_MESSAGES/*.po"):
            with path.open("rb") as source, path.with_suffix(".mo").open("wb") as target:
                write_mo(target, read_po(source))
        build_data["artifacts"].append("onegov_auth/locale/*/LC_MESSAGES/*.mo")
