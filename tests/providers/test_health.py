from __future__ import annotations

from datetime import timedelta

import pytest

from onegov_auth.outcomes import Redirect, Refused, Unavailable
from onegov_auth.providers import Resources
from onegov_auth.providers.health import REMEMBERED, Health
from onegov_auth.testing.clock import FakeClock


@pytest.fixture(name="health")
def _health(clock: FakeClock) -> Health:
    return Health(Resources(), "main/app", clock)


def test_down_until_it_answers(health: Health) -> None:
    """A provider that can't be reached is down, and whatever it answers next brings it back, a refusal too."""
    assert not health.is_down("company")
    for answer in (Refused("no"), Redirect("/")):
        health.note("company", Unavailable("company", "timeout"))
        assert health.is_down("company")
        assert not health.is_down("other")
        health.note("company", answer)
        assert not health.is_down("company")


@pytest.mark.parametrize("code", ["server_error", "temporarily_unavailable"])
def test_a_browsers_word_does_not_count(health: Health, code: str) -> None:
    """What anybody may write into a callback's address marks no provider as down for everybody."""
    health.note("company", Unavailable("company", code))
    assert not health.is_down("company")


def test_it_is_not_remembered_for_ever(health: Health, clock: FakeClock) -> None:
    """Without anybody who tries, it counts as back after a while."""
    health.note("company", Unavailable("company"))
    clock.advance(REMEMBERED - timedelta(seconds=1))
    assert health.is_down("company")
    clock.advance(1)
    assert not health.is_down("company")


def test_tenants_share_nothing(clock: FakeClock) -> None:
    """Providers of the same name in two applications of one process are two."""
    resources = Resources()
    Health(resources, "main/one", clock).note("company", Unavailable("company"))
    assert not Health(resources, "main/two", clock).is_down("company")
    assert Health(resources, "main/one", clock).is_down("company")


def test_when_it_failed(health: Health, clock: FakeClock) -> None:
    """Of a provider that is down it is known when it was asked in vain the last time."""
    assert health.last_failure("company") is None
    health.note("company", Unavailable("company"))
    failed = clock()
    clock.advance(timedelta(minutes=1))

    assert health.last_failure("company") == failed
    clock.advance(REMEMBERED)
    assert health.last_failure("company") is None
