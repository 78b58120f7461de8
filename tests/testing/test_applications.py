"""An application on a database that is thrown away."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth import migrations
from onegov_auth.testing.applications import CountingHasher
from onegov_auth.testing.clock import FakeClock


def test_everything_is_there(application: Any, clock: FakeClock, sqlite_url: str) -> None:
    """Tables at the version of today, the test's own clock, passwords that cost next to nothing."""
    auth = application.auth

    assert migrations.current(auth.database.engine) == migrations.head()
    assert auth.clock is clock
    assert isinstance(auth.hasher, CountingHasher)
    assert str(auth.database.engine.url) == sqlite_url


def test_settings_are_the_hosts(make_application: Any, small_host: Any, sqlite_url: str) -> None:
    """But for database, secrets and mail server: a test never touches those of the service."""
    service = {"database": "postgresql://db.invalid/service", "secrets": ["the secret of the service, of some length"]}
    application = make_application(small_host, title="Ours", attempts={"login": {"limit": 3}}, **service)

    assert application.auth.settings.title == "Ours"
    assert application.auth.settings.attempts.login.limit == 3
    assert application.auth.settings.database.reveal() == sqlite_url
    assert service["secrets"][0] not in [secret.reveal() for secret in application.auth.settings.secrets]


def test_the_hasher_counts() -> None:
    """A comparison with nothing counts as one."""
    hasher = CountingHasher.cheap()
    hashed = hasher.hash("a password")

    assert hasher.verify("a password", hashed).ok
    hasher.verify_dummy("a password")

    assert hasher.compared == 2


def test_a_wrong_setting_is_refused(make_application: Any, small_host: Any) -> None:
    """As at any start."""
    with pytest.raises(Exception, match="no_such_key"):
        make_application(small_host, no_such_key=1)
