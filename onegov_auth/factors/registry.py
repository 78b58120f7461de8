"""Which types of second factor are installed, and how the configured ones are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint

from onegov_auth.errors import RegistryError
from onegov_auth.factors.contract import Factor, FactorServices, FactorSettings
from onegov_auth.settings.plugins import FACTORS, distribution, find, load_point

__all__ = ["load", "make_factors"]


def load(type_: str, points: Iterable[EntryPoint] | None = None) -> type[Factor]:
    """
    The class of a factor's type.

    Raises:
        RegistryError: If no such type is installed, or its distribution can't be loaded.
    """
    point = find(type_, points, FACTORS)
    cls = load_point(point, FACTORS)
    if not (isinstance(cls, type) and issubclass(cls, Factor)):
        raise RegistryError(
            f'the second factor "{type_}" of {distribution(point)} is not a second factor: {point.value}'
        )
    if cls.type != type_:
        raise RegistryError(f'the second factor "{type_}" of {distribution(point)} calls itself "{cls.type}"')
    return cls


def make_factors(blocks: Mapping[str, FactorSettings], services: FactorServices) -> Mapping[str, Factor]:
    """
    One factor per configured block: those that stand for themselves first, in the configured order, then the spares.

    Args:
        blocks: Type to its checked settings.
        services: What each of them is handed.

    Raises:
        RegistryError: As :func:`load`.
        SettingsError: If one can't work as configured.
        MissingDependencyError: If a library that one needs is missing.
    """
    made = [load(type_).create(block, services) for type_, block in blocks.items()]
    return {factor.type: factor for factor in sorted(made, key=lambda factor: factor.spare)}
