"""The contract for passwords accepts a good provider, and notices each broken one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from onegov_auth.providers import (
    Check,
    CheckState,
    Password,
    PasswordProvider,
    ProviderSettings,
    Refused,
    Secret,
    Unavailable,
    VerifiedIdentity,
)
from onegov_auth.testing.contracts import PasswordProviderContract, Person

ANN = Person(login="ann", password="ann-canary", source_id="1", username="Ann", groups=frozenset({"staff"}))

ANN_TOLD = VerifiedIdentity(source="toy", issuer=None, source_id="1", username="Ann", groups=frozenset({"staff"}))

#: The service behind the toy: whether it runs, and which fault the provider has.
Service = dict[str, Any]
service: Service = {}

log = logging.getLogger(__name__)


class ToySettings(ProviderSettings):
    """A block with a secret."""

    secret: Secret = Secret("settings-canary")


@dataclass(frozen=True, kw_only=True)
class Toy(PasswordProvider):
    """Knows Ann; has the fault that the service names."""

    kind: ClassVar[str] = "toy"
    settings_class: ClassVar[type[ProviderSettings]] = ToySettings

    def check(self, login: str | None = None, claims: Mapping[str, object] | None = None) -> Iterator[Check]:
        """One step."""
        yield Check("service", CheckState.OK if service["runs"] else CheckState.FAILED)

    def authenticate(self, username: str, password: Password) -> VerifiedIdentity | Refused | Unavailable:
        """Who has this username and password?"""
        fault, clear = service["fault"], password.reveal()
        if fault == "logs":
            log.debug("%s tries %s", username, clear)
        if not clear.strip("\0 \t\u00a0\u2003\u00ad\u200b") and fault != "asks for empty":
            return ANN_TOLD if fault == "takes empty" else Refused("empty_password")
        if not service["runs"]:
            if fault == "remembers":
                return ANN_TOLD
            return Refused("wrong_password") if fault == "denies" else Unavailable(self.name)
        if username != ANN.login:
            return Refused("wrong_password" if fault == "hides unknown" else "unknown_user")
        if fault == "prefix" and clear.startswith(ANN.password):
            return ANN_TOLD
        return ANN_TOLD if clear == ANN.password else Refused("wrong_password")


@pytest.fixture
def fixtures() -> dict[str, Any]:
    """What the suite asks for; the service runs and has no fault."""
    service.update(runs=True, fault=None)
    return {
        "block": {"kind": "toy", "secret": "settings-canary"},
        "provider": Toy(name="toy", settings=ToySettings(kind="toy")),
        "person": ANN,
        "canaries": ["settings-canary"],
        "unknown_username": "nobody",
        "stop_service": lambda: service.update(runs=False),
    }


#: Tests whose provider is down from the beginning.
DOWN = {
    "test_the_doctor_finds_it_broken",
    "test_an_empty_password_asks_nobody",
    "test_a_service_that_is_down_is_unavailable",
}


def run(keep: Callable[..., None], test: str, fixtures: dict[str, Any]) -> None:
    """Run one test of the suite."""
    service["runs"] = test not in DOWN
    keep(PasswordProviderContract(), test, **fixtures, broken_provider=fixtures["provider"])


def test_a_good_provider_keeps_it(
    keep: Callable[..., None], tests_of: Callable[[object], list[str]], fixtures: dict[str, Any]
) -> None:
    """A provider without fault passes every test, but for the entry point it lacks."""
    for test in tests_of(PasswordProviderContract):
        if test != "test_is_found_under_its_kind":
            run(keep, test, fixtures)


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        ("logs", "test_logs_hold_no_secret"),
        ("takes empty", "test_an_empty_password_is_refused"),
        ("asks for empty", "test_an_empty_password_asks_nobody"),
        ("denies", "test_a_service_that_is_down_is_unavailable"),
        ("denies", "test_a_service_that_stops_is_unavailable"),
        ("remembers", "test_a_service_that_stops_is_unavailable"),
        ("hides unknown", "test_an_unknown_user_is_refused"),
        ("hides unknown", "test_threads_do_not_meet"),
        ("prefix", "test_a_wrong_password_is_refused"),
    ],
)
def test_a_fault_is_noticed(keep: Callable[..., None], fixtures: dict[str, Any], fault: str, test: str) -> None:
    """Each broken promise fails the test about it."""
    service["fault"] = fault
    with pytest.raises(AssertionError):
        run(keep, test, fixtures)


@pytest.mark.parametrize("wrong", [{"source_id": "2"}, {"groups": None}, {"username": "ann"}, {"email": "a@b"}])
def test_another_identity_is_noticed(
    keep: Callable[..., None], fixtures: dict[str, Any], wrong: dict[str, Any]
) -> None:
    """Every fact about the person counts."""
    facts = {"source_id": "1", "username": "Ann", "groups": frozenset({"staff"})} | wrong
    fixtures["person"] = Person(login="ann", password="ann-canary", **facts)
    with pytest.raises(AssertionError):
        run(keep, "test_logs_in", fixtures)


@pytest.mark.parametrize("name", ["provider", "broken_provider", "stop_service"])
def test_fixtures_have_to_be_given(name: str) -> None:
    """A suite without its fixtures says which one to override."""
    with pytest.raises(NotImplementedError, match=name):
        getattr(PasswordProviderContract, name).__wrapped__(PasswordProviderContract())


def test_an_unknown_name_is_given() -> None:
    """Nobody has the name that the suite takes for unknown, unless it is overridden."""
    assert PasswordProviderContract.unknown_username.__wrapped__(PasswordProviderContract())  # type: ignore[attr-defined]  # pytest's fixtures keep their function
