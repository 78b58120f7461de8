"""What holds for a provider of any capability."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import FrozenInstanceError, dataclass

import pytest
from pydantic import ValidationError

from onegov_auth.domain import VerifiedIdentity
from onegov_auth.providers import Check, CheckState, Provider
from onegov_auth.providers.registry import load

__all__ = ["Person", "ProviderContract"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """
    Somebody the service behind the provider knows, and what the provider has to say of them.

    Attributes:
        login: What the person types as their name.
        password: The right password.
        source_id: The stable key.
        username: The name a new local user gets.
        issuer: Who vouches.
        email: The address.
        realname: The name to show.
        groups: All their groups as the provider tells them; ``None`` = it tells none.
    """

    login: str
    password: str
    source_id: str
    username: str
    issuer: str | None = None
    email: str | None = None
    realname: str | None = None
    groups: frozenset[str] | None = None

    def is_told_by(self, identity: object, source: str) -> bool:
        """Whether *identity* is this person, told by the provider named *source*."""
        return isinstance(identity, VerifiedIdentity) and self._told(source) == (
            identity.source,
            identity.issuer,
            identity.source_id,
            identity.username,
            identity.email,
            identity.realname,
            identity.groups,
        )

    def _told(self, source: str) -> tuple[object, ...]:
        return (source, self.issuer, self.source_id, self.username, self.email, self.realname, self.groups)


class ProviderContract:
    """
    The part of a contract that all capabilities share; not for use on its own.

    Fixtures to override: ``block``, ``provider``, ``person``, ``canaries``, ``broken_provider``.
    """

    @pytest.fixture
    def block(self) -> Mapping[str, object]:
        """A valid block of the configuration, as it is read from YAML."""
        raise NotImplementedError("override the fixture 'block'")

    @pytest.fixture
    def provider(self) -> Provider:
        """The provider, made by ``create`` and in front of a real, running service."""
        raise NotImplementedError("override the fixture 'provider'")

    @pytest.fixture
    def person(self) -> Person:
        """Somebody the running service knows."""
        raise NotImplementedError("override the fixture 'person'")

    @pytest.fixture
    def canaries(self) -> Iterable[str]:
        """The secrets of ``provider``'s settings; empty if it has none."""
        raise NotImplementedError("override the fixture 'canaries'")

    @pytest.fixture
    def broken_provider(self) -> Provider:
        """The same provider, whose service is down from the beginning."""
        raise NotImplementedError("override the fixture 'broken_provider'")

    def test_is_found_under_its_kind(self, provider: Provider) -> None:
        """The entry point of the kind leads to the provider's class, as for anybody's provider."""
        assert type(provider) is load(provider.kind)

    def test_is_frozen(self, provider: Provider) -> None:
        """Nothing can be written on a provider, which all threads share."""
        with pytest.raises(FrozenInstanceError):
            provider.name = "other"  # type: ignore[misc]  # that it can't be written is what is tested

        assert not [name for name in vars(provider) if name not in {"name", "settings", "services"}]

    def test_settings_are_frozen(self, provider: Provider) -> None:
        """The settings can't be changed after start-up."""
        with pytest.raises(ValidationError):
            provider.settings.kind = "other"

    def test_knows_its_block(self, provider: Provider, block: Mapping[str, object]) -> None:
        """A valid block is accepted as it stands."""
        assert provider.kind == provider.settings_class.model_validate(dict(block)).kind

    def test_refuses_an_unknown_key(self, provider: Provider, block: Mapping[str, object]) -> None:
        """A key that does not exist is a fault, so that a typing error can't switch a check off."""
        with pytest.raises(ValidationError, match="no_such_key"):
            provider.settings_class.model_validate({**block, "no_such_key": 1})

    @pytest.mark.sec("LOG-02")
    def test_repr_shows_no_secret(self, provider: Provider, canaries: Iterable[str]) -> None:
        """Neither the provider's nor its settings' repr, text or dump shows a secret."""
        dump = provider.settings.model_dump_json()
        shown = f"{provider!r} {provider} {provider.settings!r} {provider.settings} {dump}"

        assert not [canary for canary in canaries if canary in shown]

    def test_the_doctor_finds_it_healthy(self, provider: Provider, canaries: Iterable[str]) -> None:
        """With the service running no step of the doctor fails, and none shows a secret."""
        steps = list(provider.check())

        assert steps
        assert not [step for step in steps if step.state is CheckState.FAILED]
        assert not [canary for canary in canaries if canary in repr(steps)]

    def test_the_doctor_finds_it_broken(self, broken_provider: Provider, canaries: Iterable[str]) -> None:
        """With the service down the doctor says what failed instead of raising, and shows no secret."""
        steps: list[Check] = list(broken_provider.check())

        assert [step for step in steps if step.state is CheckState.FAILED]
        assert not [canary for canary in canaries if canary in repr(steps)]
