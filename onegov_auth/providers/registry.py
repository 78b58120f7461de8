"""Which kinds of provider are installed, and how the configured ones are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

from onegov_auth.errors import RegistryError
from onegov_auth.providers.contract import Provider, ProviderSettings, Services

__all__ = ["GROUP", "installed", "load", "make_providers", "settings_class"]

GROUP = "onegov_auth.providers"

#: Kinds that come as distributions of their own, for the hint what to install.
KNOWN = {"ldap": "onegov-auth-ldap", "oidc": "onegov-auth-oidc"}


def installed(points: Iterable[EntryPoint] | None = None) -> dict[str, EntryPoint]:
    """
    The kinds that are installed; nothing is imported yet.

    Raises:
        RegistryError: If two distributions claim the same kind.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP) if points is None else points:
        other = found.get(point.name)
        if other is not None and other.value != point.value:
            raise RegistryError(
                f'the provider kind "{point.name}" is there twice: {_from(other)} ({other.value})'
                f" and {_from(point)} ({point.value}); uninstall one of them"
            )
        found[point.name] = point
    return found


def load(kind: str, points: Iterable[EntryPoint] | None = None) -> type[Provider]:
    """
    The class of a provider *kind*.

    Raises:
        RegistryError: If no such kind is installed, or its distribution can't be loaded.
    """
    kinds = installed(points)
    if kind not in kinds:
        install = f"; pip install {KNOWN[kind]}" if kind in KNOWN else ""
        raise RegistryError(f'unknown kind "{kind}" (installed: {", ".join(sorted(kinds))}){install}')
    point = kinds[kind]
    try:
        cls = point.load()
    except (ImportError, AttributeError) as error:
        raise RegistryError(f'the provider kind "{kind}" of {_from(point)} can\'t be loaded: {error}') from error
    if not (isinstance(cls, type) and issubclass(cls, Provider)):
        raise RegistryError(f'the provider kind "{kind}" of {_from(point)} is not a provider: {point.value}')
    if cls.kind != kind:
        raise RegistryError(f'the provider kind "{kind}" of {_from(point)} calls itself "{cls.kind}"')
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


def _from(point: EntryPoint) -> str:
    return f'distribution "{point.dist.name}"' if point.dist is not None else "an unknown distribution"
