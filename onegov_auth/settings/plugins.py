"""Which kinds of plug-in are installed; looked up by entry point, without importing the rooms that use them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from onegov_auth.errors import RegistryError
from onegov_auth.settings.providers import ProviderSettings

__all__ = ["GROUP", "KNOWN", "distribution", "find", "installed", "load_point", "provider_settings"]

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
                f'the provider kind "{point.name}" is there twice: {distribution(other)} ({other.value})'
                f" and {distribution(point)} ({point.value}); uninstall one of them"
            )
        found[point.name] = point
    return found


def find(kind: str, points: Iterable[EntryPoint] | None = None) -> EntryPoint:
    """
    Where a provider *kind* comes from.

    Raises:
        RegistryError: If no such kind is installed; the sentence names what to install.
    """
    kinds = installed(points)
    if kind not in kinds:
        install = f"; pip install {KNOWN[kind]}" if kind in KNOWN else ""
        raise RegistryError(f'unknown kind "{kind}" (installed: {", ".join(sorted(kinds))}){install}')
    return kinds[kind]


def load_point(point: EntryPoint) -> object:
    """
    What an entry point names.

    Raises:
        RegistryError: If its distribution can't be loaded.
    """
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise RegistryError(
            f'the provider kind "{point.name}" of {distribution(point)} can\'t be loaded: {error}'
        ) from error


def provider_settings(kind: str, points: Iterable[EntryPoint] | None = None) -> type[ProviderSettings]:
    """
    What a block of this *kind* may hold.

    Raises:
        RegistryError: If no such kind is installed, it can't be loaded, or has no settings.
    """
    point = find(kind, points)
    found = getattr(load_point(point), "settings_class", None)
    if not (isinstance(found, type) and issubclass(found, ProviderSettings)):
        raise RegistryError(f'the provider kind "{kind}" of {distribution(point)} is not a provider: {point.value}')
    return found


def distribution(point: EntryPoint) -> str:
    """The distribution an entry point comes from, for a message."""
    return f'distribution "{point.dist.name}"' if point.dist is not None else "an unknown distribution"
