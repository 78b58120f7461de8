"""The contract of every provider notices each broken promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from pydantic import ConfigDict

from onegov_auth.errors import RegistryError
from onegov_auth.providers import Check, CheckState, Provider, ProviderSettings, VerifiedIdentity
from onegov_auth.testing.contracts import Person, ProviderContract


class Loose(ProviderSettings):
    """Takes unknown keys, can be changed, and shows its secret."""

    model_config = ConfigDict(frozen=False, extra="ignore")

    secret: str = "settings-canary"


@dataclass(frozen=True, kw_only=True)
class Careless(Provider):
    """Keeps state on itself, and always says it is well."""

    kind: ClassVar[str] = "careless"
    settings_class: ClassVar[type[ProviderSettings]] = Loose

    seen: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Failing(Careless):
    """Always says it is not well."""

    def check(self, login: str | None = None, claims: Mapping[str, object] | None = None) -> Iterator[Check]:
        """One step, with the secret."""
        yield Check("service", CheckState.FAILED, "settings-canary")


@pytest.mark.parametrize(
    ("test", "made"),
    [
        ("test_is_frozen", Careless),
        ("test_settings_are_frozen", Careless),
        ("test_refuses_an_unknown_key", Careless),
        ("test_repr_shows_no_secret", Careless),
        ("test_the_doctor_finds_it_broken", Careless),
        ("test_the_doctor_finds_it_broken", Failing),
        ("test_the_doctor_finds_it_healthy", Failing),
    ],
)
def test_a_fault_is_noticed(keep: Callable[..., None], test: str, made: type[Provider]) -> None:
    """Each broken promise fails the test about it."""
    provider = made(name="x", settings=Loose(kind="careless"))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        keep(
            ProviderContract(),
            test,
            provider=provider,
            broken_provider=provider,
            block={"kind": "careless"},
            canaries=["settings-canary"],
        )


def test_a_kind_without_an_entry_point_is_noticed(keep: Callable[..., None]) -> None:
    """Nobody can configure a provider that is not found."""
    with pytest.raises(RegistryError, match="careless"):
        keep(ProviderContract(), "test_is_found_under_its_kind", provider=Careless(name="x", settings=None))


@pytest.mark.parametrize("name", ["block", "provider", "person", "canaries", "broken_provider"])
def test_fixtures_have_to_be_given(name: str) -> None:
    """A suite without its fixtures says which one to override."""
    with pytest.raises(NotImplementedError, match=name):
        getattr(ProviderContract, name).__wrapped__(ProviderContract())


def test_a_person_is_told_by_their_provider_only() -> None:
    """The same facts of another source are another person, and a refusal is nobody."""
    ann = Person(login="ann", password="x", source_id="1", username="Ann")
    told = VerifiedIdentity(source="staff", issuer=None, source_id="1", username="Ann")

    assert ann.is_told_by(told, "staff")
    assert not ann.is_told_by(told, "other")
    assert not ann.is_told_by(None, "staff")
