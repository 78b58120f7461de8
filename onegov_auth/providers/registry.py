"""Which kinds of provider are installed, and how the configured ones are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint

from onegov_auth.errors import RegistryError
from onegov_auth.providers.contract import Provider, ProviderSettings, Services
from onegov_auth.settings.plugins import GROUP, distribution, find, installed, load_point

__all__ = ["GROUP", "installed", "load", "make_providers", "settings_class"]


def load(kind: str, points: Iterable[EntryPoint] | None = None) -> type[Provider]:
    """
    The class of a provider *kind*.

    Raises:
        RegistryError: If no such kind is installed, or its distribution can't be loaded.
    """
    point = find(kind, points)
    cls = load_point(point)
    if not (isinstance(cls, type) and issubclass(cls, Provider)):
        raise RegistryError(f'the provider kind "{kind}" of {distribution(point)} is not a provider: {point.value}')
    if cls.kind != kind:
        raise RegistryError(f'the provider kind "{kind}" of {distribution(point)} calls itself "{cls.kind}"')
    return cls


def settings_class(kind: str) -> type[ProviderSettings]:
    """What a block of this *kind* may hold; see :func:`load` for errors."""
    return load(kind).settings_class


def make_providers(
    blocks: Mapping[str, ProviderSettings], services: Callable[[str], Services]
) -> Mapping[str, Provider]:
    """
    One provider per configured block, in the configured order.

    Args:
        blocks: Name to its checked settings.
        services: Makes what the provider of that name is handed.
    """
    return {name: load(block.kind).create(name, block, services(name)) for name, block in blocks.items()}
