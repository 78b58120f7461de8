"""Of any number of people with the same right answer, one gets in: a YubiKey's password, a code by text message."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from onegov_auth.auth import Auth
from onegov_auth.domain import Client
from onegov_auth.models import User
from onegov_auth.outcomes import Challenge, FactorRequired, LoggedIn
from onegov_auth.testing.servers import Yubiserver

PASSWORD = "correct horse battery staple"
THREADS = 100


def at_once(attempts: list[Callable[[], object]]) -> Counter[str]:
    """What each of *attempts* came to, all begun at the same moment."""
    start, outcomes = threading.Barrier(len(attempts)), []

    def run(attempt: Callable[[], object]) -> None:
        start.wait()
        outcome = attempt()
        outcomes.append("in" if isinstance(outcome, LoggedIn) else getattr(outcome, "code", repr(outcome)))

    threads = [threading.Thread(target=run, args=(attempt,)) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(outcomes)


def waiting(auth: Auth, number: int) -> tuple[str, Client]:
    """A login of its own browser and address that waits for the factor."""
    client = Client(address=f"198.51.100.{number}", browser=f"browser-{number}")
    outcome = auth.login("ann@example.org", PASSWORD, client)
    assert isinstance(outcome, FactorRequired), outcome
    return outcome.transaction.id, client


@pytest.mark.slow
@pytest.mark.sec("RACE-05", "YUBI-04", "ASVS-6.5.1")
def test_one_touch_lets_one_of_a_hundred_in(
    make_auth: Callable[..., Auth], add: Callable[..., User], yubiserver: Yubiserver, sessions: Callable[[], int]
) -> None:
    """A hundred logins that answer with the same one-time password at once: one session is opened."""
    block = {"client_id": yubiserver.client_id, "secret_key": yubiserver.secret_key, "urls": [yubiserver.url]}
    limits = {"factor": {"limit": 100, "within": "5m", "lockout": "15m"}, "per_address": False}
    auth = make_auth(second_factors={"yubikey": block}, attempts=limits)
    key = yubiserver.new_yubikey()
    add("ann@example.org", second_factor={"type": "yubikey", "data": key.public_id})
    logins = [waiting(auth, number) for number in range(THREADS)]
    password = key.touch()

    outcomes = at_once(
        [
            lambda login=login: auth.verify_factor(login[0], "yubikey", password, login[1])  # type: ignore[misc]  # bound now
            for login in logins
        ]
    )

    assert outcomes["in"] == 1, outcomes
    assert sessions() == 1


@pytest.mark.slow
@pytest.mark.sec("RACE-06", "SMS-01", "ASVS-6.5.1")
def test_one_code_lets_one_of_a_hundred_in(
    make_auth: Callable[..., Auth], add: Callable[..., User], sessions: Callable[[], int], tmp_path: Path
) -> None:
    """A hundred answers with the same code at once, in the login it was sent for: one session is opened."""
    limits = {"factor": {"limit": 100, "within": "5m", "lockout": "15m"}, "per_address": False}
    auth = make_auth(
        second_factors={"mtan": {"enabled": True}}, sms={"url": f"spool:{tmp_path}/sms", "sender": "x"}, attempts=limits
    )
    add("ann@example.org", second_factor={"type": "mtan", "data": "+41791234567"})
    transaction, client = waiting(auth, 1)
    assert isinstance(auth.challenge(transaction, "mtan", client), Challenge)
    auth.mailer.deliver()
    (message,) = (json.loads(file.read_text()) for file in (tmp_path / "sms").glob("*.json"))
    code = message["text"].rpartition("#")[2]

    outcomes = at_once([lambda: auth.verify_factor(transaction, "mtan", code, client)] * THREADS)

    assert outcomes["in"] == 1, outcomes
    assert sessions() == 1
