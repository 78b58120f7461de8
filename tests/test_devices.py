from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from onegov_auth.auth import Auth
from onegov_auth.devices import MAX_ACCOUNTS, Devices
from onegov_auth.domain import Client
from onegov_auth.keys import Keys
from onegov_auth.models import User
from onegov_auth.outcomes import LoggedIn
from onegov_auth.settings import Secret

PASSWORD = "correct horse battery staple"


@pytest.fixture(name="devices")
def _devices() -> Devices:
    return Devices(Keys([Secret("a secret for tests only, of 32 or more")], "main/app"))


def test_a_browser_is_known_after_its_first_login(devices: Devices) -> None:
    """It gets a cookie by which it is recognised for that user, and for nobody else."""
    ann, bob = uuid4(), uuid4()
    cookie = devices.note("", ann)
    assert cookie is not None
    assert devices.note(cookie, ann) is None
    both = devices.note(cookie, bob)
    assert both is not None
    assert devices.note(both, ann) is None
    assert devices.note(both, bob) is None


@pytest.mark.sec("COOKIE-04", "ASVS-3.3.5")
def test_the_cookie_stays_small(devices: Devices) -> None:
    """Of many accounts in one browser, the last few are remembered."""
    users = [uuid4() for _ in range(9)]
    cookie = ""
    for user in users:
        cookie = devices.note(cookie, user) or cookie
    known = [user for user in users if devices.note(cookie, user) is None]

    assert known == users[-MAX_ACCOUNTS:]
    assert len(cookie) < 300


@pytest.mark.sec("SESS-12")
@pytest.mark.parametrize("forged", ["x", "a.b", "\x00", "é" * 40, "a" * 22 + "." + "b" * 43, "x" * 100_000])
def test_a_forged_cookie_is_none(devices: Devices, forged: str) -> None:
    """Whatever else a browser sends counts as a new one."""
    cookie = devices.note(forged, UUID(int=1))
    assert cookie is not None
    assert devices.note(cookie, UUID(int=1)) is None


@pytest.mark.sec("ASVS-6.3.5", "ASVS-6.3.7")
def test_a_first_login_from_a_new_device_is_told(
    make_auth: Callable[..., Auth], add: Callable[..., User], client: Client, tmp_path: Path
) -> None:
    """Not the very first login, not a known browser, not where no such cookie is kept."""
    add("ann@example.org")
    auth = make_auth()

    def log_in(device: str | None) -> str | None:
        outcome = auth.login("ann@example.org", PASSWORD, replace(client, device=device))
        assert isinstance(outcome, LoggedIn)
        auth.mailer.deliver()
        return outcome.device

    def mails() -> int:
        return len(list((tmp_path / "mail" / "new").glob("*")))

    first = log_in("")
    assert (first is not None, mails()) == (True, 0)
    assert (log_in(first), mails()) == (None, 0)
    assert (log_in(None), mails()) == (None, 0)
    assert (log_in("") is not None, mails()) == (True, 1)


@pytest.mark.sec("SESS-12")
def test_a_browser_is_known_for_its_users_only(devices: Devices) -> None:
    """By a cookie of ours for that very user; whatever else was sent is unknown."""
    ann, bob = uuid4(), uuid4()
    cookie = devices.note("", ann) or ""

    assert devices.knows(cookie, ann.hex)
    for other in ("", "x", cookie[:-1], cookie.replace(".", ""), f"{cookie}.", "x" * 100_000):
        assert not devices.knows(other, ann.hex)
    assert not devices.knows(cookie, bob.hex)
