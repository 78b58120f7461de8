from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint

import pytest

from onegov_auth.errors import RegistryError
from onegov_auth.providers import ProviderSettings, Services
from onegov_auth.providers.local import LocalProvider, LocalSettings
from onegov_auth.providers.registry import installed, load, make_providers, settings_class
from onegov_auth.testing.providers import KnownPeople

HERE = "onegov_auth.testing.providers"


def points(**values: str) -> list[EntryPoint]:
    return [EntryPoint(name.replace("_", "-"), value, "onegov_auth.providers") for name, value in values.items()]


def test_the_built_in_provider_takes_the_same_road() -> None:
    """The local provider is found by entry point like everybody's."""
    assert load("local") is LocalProvider
    assert settings_class("local") is LocalSettings


def test_a_foreign_provider_is_found() -> None:
    """A kind that any distribution brings can be loaded."""
    assert load("known-people", points(known_people=f"{HERE}:KnownPeople")) is KnownPeople


def test_an_unknown_kind_says_what_there_is() -> None:
    """The message lists the installed kinds, and what to install where we know it."""
    with pytest.raises(RegistryError, match="installed: known-people"):
        load("nothing", points(known_people=f"{HERE}:KnownPeople"))
    with pytest.raises(RegistryError, match="pip install onegov-auth-ldap"):
        load("ldap", points())


def test_two_of_a_kind_are_refused() -> None:
    """When two distributions claim a kind, neither is taken."""
    two = points(x=f"{HERE}:KnownPeople") + points(x=f"{HERE}:KnownIssuer")
    with pytest.raises(RegistryError, match="there twice"):
        installed(two)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("onegov_auth.nowhere:X", "can't be loaded"),
        (f"{HERE}:Nothing", "can't be loaded"),
        (f"{HERE}:person", "is not a provider"),
        (f"{HERE}:KnownIssuer", 'calls itself "known-issuer"'),
    ],
    ids=["no module", "no attribute", "no class", "another kind"],
)
def test_a_broken_kind_stops_the_start(value: str, message: str) -> None:
    """What can't be used is named instead of being passed over."""
    with pytest.raises(RegistryError, match=message):
        load("known-people", points(known_people=value))


def test_configured_providers_are_made_in_order() -> None:
    """One instance per block, each with what it is handed."""
    handed: list[str] = []

    class Accounts:
        def verify(self, *_: object) -> object:
            return None

    def services(name: str) -> Services:
        handed.append(name)
        return Services(local_accounts=Accounts())  # type: ignore[arg-type]  # never asked here

    blocks: Mapping[str, ProviderSettings] = {"local": LocalSettings()}
    made = make_providers(blocks, services)

    assert list(made) == handed == ["local"]
    assert isinstance(made["local"], LocalProvider)
