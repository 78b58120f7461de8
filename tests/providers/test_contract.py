from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from onegov_auth.domain import SessionInfo
from onegov_auth.providers import CheckState, PasswordProvider, ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, KnownPeople


@pytest.fixture(name="issuer")
def _issuer() -> KnownIssuer:
    return KnownIssuer(name="company")


def test_a_provider_is_frozen(issuer: KnownIssuer) -> None:
    """Nothing on a shared provider changes during a request."""
    with pytest.raises(FrozenInstanceError):
        issuer.name = "other"  # type: ignore[misc]  # that it is frozen is the test


def test_a_provider_is_abstract() -> None:
    """Somebody has to say how people are verified."""
    with pytest.raises(TypeError):
        PasswordProvider(name="x", settings=ProviderSettings(kind="x"))  # type: ignore[abstract]  # that it is refused is the test


def test_defaults_do_nothing(issuer: KnownIssuer) -> None:
    """A simple provider has a name to click, no hint, no logout and no endpoints of its own."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    session = SessionInfo(uuid4(), uuid4(), "company", "1", now, now, now)

    assert issuer.button == "company"
    assert KnownPeople(name="staff").hint == ""
    assert issuer.logout(session, "https://app.example.org/") is None
    assert issuer.routes() == {}
    assert [check.state for check in issuer.check()] == [CheckState.OK]
