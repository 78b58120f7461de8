"""Which kinds of provider are installed."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from onegov_auth.errors import RegistryError
from onegov_auth.providers.local import LocalSettings
from onegov_auth.settings.plugins import GROUP, distribution, find, installed, load_point, provider_settings


def point(name: str, value: str) -> EntryPoint:
    """An entry point of a distribution that is not installed."""
    return EntryPoint(name, value, GROUP)


def test_installed() -> None:
    """What is installed here is found without importing it."""
    assert {"local", "ldap", "oidc"} <= installed().keys()
    assert distribution(installed()["ldap"]) == 'distribution "onegov-auth-ldap"'


def test_twice() -> None:
    """A kind that two distributions claim is an error which names both."""
    points = [point("a", "one:A"), point("a", "two:A")]

    with pytest.raises(RegistryError, match=r'"a" is there twice: .* \(one:A\) and .* \(two:A\); uninstall one'):
        installed(points)


def test_twice_the_same() -> None:
    """The same kind listed twice, as editable installs do, is one."""
    assert list(installed([point("a", "one:A"), point("a", "one:A")])) == ["a"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("ldap", r'unknown kind "ldap" \(installed: local\); pip install onegov-auth-ldap$'),
        ("other", r'unknown kind "other" \(installed: local\)$'),
    ],
)
def test_unknown(kind: str, message: str) -> None:
    """An unknown kind is an error that names what to install, where that is known."""
    with pytest.raises(RegistryError, match=message):
        find(kind, [point("local", "one:A")])


@pytest.mark.parametrize("value", ["no_such_module:A", "onegov_auth.errors:Nothing"])
def test_unloadable(value: str) -> None:
    """A kind whose distribution can't be loaded is an error."""
    with pytest.raises(RegistryError, match='"a" of an unknown distribution can\'t be loaded: '):
        load_point(point("a", value))


def test_provider_settings() -> None:
    """The settings class is that of the provider."""
    assert provider_settings("local") is LocalSettings


@pytest.mark.parametrize("value", ["onegov_auth.errors:RegistryError", "onegov_auth.settings.plugins:GROUP"])
def test_no_provider(value: str) -> None:
    """Something without provider settings is no provider."""
    with pytest.raises(RegistryError, match="is not a provider"):
        provider_settings("a", [point("a", value)])
