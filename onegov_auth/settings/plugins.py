"""Which kinds of plug-in are installed; looked up by entry point, without importing the rooms that use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points

from onegov_auth.errors import RegistryError
from onegov_auth.settings.factors import FactorSettings
from onegov_auth.settings.providers import ProviderSettings

__all__ = [
    "FACTORS",
    "GROUP",
    "KNOWN",
    "PROVIDERS",
    "Plugins",
    "distribution",
    "factor_settings",
    "find",
    "installed",
    "load_point",
    "provider_settings",
]

GROUP = "onegov_auth.providers"

#: Kinds that come as distributions of their own, for the hint what to install.
KNOWN = {"ldap": "onegov-auth-ldap", "oidc": "onegov-auth-oidc"}


@dataclass(frozen=True, slots=True)
class Plugins:
    """
    One sort of plug-in.

    Attributes:
        group: The group of entry points it is found by.
        what: What a message calls it.
        is_a: What a message says that another thing is not.
        known: Names that come as distributions of their own.
    """

    group: str
    what: str
    is_a: str
    known: Mapping[str, str] = field(default_factory=dict)


PROVIDERS = Plugins(GROUP, "provider kind", "a provider", KNOWN)
FACTORS = Plugins("onegov_auth.factors", "second factor", "a second factor")


def installed(points: Iterable[EntryPoint] | None = None, plugins: Plugins = PROVIDERS) -> dict[str, EntryPoint]:
    """
    The names that are installed; nothing is imported yet.

    Raises:
        RegistryError: If two distributions claim the same name.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=plugins.group) if points is None else points:
        other = found.get(point.name)
        if other is not None and other.value != point.value:
            raise RegistryError(
                f'the {plugins.what} "{point.name}" is there twice: {distribution(other)} ({other.value})'
                f" and {distribution(point)} ({point.value}); uninstall one of them"
            )
        found[point.name] = point
    return found


def find(name: str, points: Iterable[EntryPoint] | None = None, plugins: Plugins = PROVIDERS) -> EntryPoint:
    """
    Where a plug-in comes from.

    Raises:
        RegistryError: If none of that name is installed; the sentence names what to install.
    """
    names = installed(points, plugins)
    if name not in names:
        install = f"; pip install {plugins.known[name]}" if name in plugins.known else ""
        what = "kind" if plugins is PROVIDERS else plugins.what
        raise RegistryError(f'unknown {what} "{name}" (installed: {", ".join(sorted(names))}){install}')
    return names[name]


def load_point(point: EntryPoint, plugins: Plugins = PROVIDERS) -> object:
    """
    What an entry point names.

    Raises:
        RegistryError: If its distribution can't be loaded.
    """
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise RegistryError(
            f'the {plugins.what} "{point.name}" of {distribution(point)} can\'t be loaded: {error}'
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
        raise _wrong(point, PROVIDERS)
    return found


def factor_settings(type_: str, points: Iterable[EntryPoint] | None = None) -> type[FactorSettings]:
    """
    What the block of a second factor may hold.

    Raises:
        RegistryError: As :func:`provider_settings`.
    """
    point = find(type_, points, FACTORS)
    found = getattr(load_point(point, FACTORS), "settings_class", None)
    if not (isinstance(found, type) and issubclass(found, FactorSettings)):
        raise _wrong(point, FACTORS)
    return found


def _wrong(point: EntryPoint, plugins: Plugins) -> RegistryError:
    return RegistryError(
        f'the {plugins.what} "{point.name}" of {distribution(point)} is not {plugins.is_a}: {point.value}'
    )


def distribution(point: EntryPoint) -> str:
    """The distribution an entry point comes from, for a message."""
    return f'distribution "{point.dist.name}"' if point.dist is not None else "an unknown distribution"
