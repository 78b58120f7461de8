"""Keys of providers that are accepted already and whose feature comes with a later version (``Section.later``)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onegov_auth.errors import SettingsError

if TYPE_CHECKING:
    from onegov_auth.settings.model import Settings

__all__ = ["Pending", "find_pending", "refuse_pending"]

log = logging.getLogger("onegov_auth")


@dataclass(frozen=True, slots=True)
class Pending:
    """
    A key that was switched on before its feature exists.

    Attributes:
        key: The key path.
        feature: What is missing, in words.
        protective: Whether ignoring it would leave the application less protected than its operator believes.
    """

    key: str
    feature: str
    protective: bool

    def __str__(self) -> str:
        return f"{self.key}: comes with a later version ({self.feature})"


def _there(value: object) -> bool:
    return value is not None and value is not False


def find_pending(raw: Mapping[str, Any], settings: Settings) -> Iterator[Pending]:
    """
    What was switched on too early.

    Args:
        raw: The mapping the settings were made of; a default does not count as switched on.
        settings: The settings made of it.
    """
    for name, block in settings.providers.items():
        for key, (feature, protective) in type(block).later.items():
            found, value = _look_up(raw, f"providers.{name}.{key}")
            if found and _there(value) and value != []:
                yield Pending(f"providers.{name}.{key}", feature, protective)


def _look_up(raw: Mapping[str, Any], path: str) -> tuple[bool, object]:
    here: Any = raw
    for part in path.split("."):
        if not isinstance(here, Mapping) or part not in here:
            return False, None
        here = here[part]
    return True, here


def refuse_pending(settings: Settings) -> None:
    """
    Stop where a protective key would be ignored; say of the others, on logger ``onegov_auth``, that they are.

    Raises:
        SettingsError: With every protective key that is switched on before its feature exists.
    """
    protective = [item for item in settings.pending if item.protective]
    if protective:
        raise SettingsError(
            [
                f"{item}; without it people would be less protected than this says, so take it out"
                for item in protective
            ],
            settings.source,
        )
    for item in settings.pending:
        log.warning("%s; it has no effect yet", item)
