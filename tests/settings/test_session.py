"""The blocks cookies, sessions and attempts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.settings.session import AddressLimit, Attempts, Cookies, Sessions

Faults = Callable[..., tuple[str, ...]]


def minutes(limit: Any) -> tuple[int, float, float]:
    """A limit as number, minutes and minutes."""
    return limit.limit, limit.within / timedelta(minutes=1), limit.lockout / timedelta(minutes=1)


def test_default_limits() -> None:
    """The limits are those of the second seed for logins, and stricter for codes."""
    attempts = Attempts()

    assert minutes(attempts.login) == (15, 10, 60)
    assert minutes(attempts.factor) == (5, 5, 15)
    assert minutes(attempts.recovery) == (5, 60, 60)
    assert minutes(attempts.signup) == (20, 60, 60)
    assert minutes(attempts.token) == (100, 10, 10)
    assert minutes(attempts.per_address) == (100, 10, 10)
    assert attempts.in_a_row == 100
    assert {attempts.login.same_address, attempts.login.per_address} == {None}


@pytest.mark.sec("NIST-56")
def test_default_sessions() -> None:
    """A session lasts a working day, an hour unused, a month if remembered."""
    sessions = Sessions()

    assert (sessions.lifetime, sessions.idle) == (timedelta(hours=12), timedelta(hours=1))
    assert (sessions.remember, sessions.max_per_user) == (timedelta(days=30), 50)


@pytest.mark.parametrize(
    ("value", "expected"), [(False, None), (True, AddressLimit()), (None, AddressLimit())], ids=str
)
def test_per_address_switch(value: object, expected: object) -> None:
    """False switches the limit per address off; anything less clear leaves it on."""
    assert Attempts.model_validate({"per_address": value}).per_address == expected


def test_per_address_in_part() -> None:
    """A part of a limit leaves the rest as it is."""
    assert minutes(Attempts.model_validate({"per_address": {"limit": 7}}).per_address) == (7, 10, 10)


@pytest.mark.sec("NIST-33")
@pytest.mark.parametrize("limit", [0, 101, -1])
@pytest.mark.parametrize("kind", ["login", "factor", "recovery"])
def test_no_more_than_hundred(faults: Faults, kind: str, limit: int) -> None:
    """An account allows between one and a hundred failures."""
    (fault,) = faults(attempts={kind: {"limit": limit}})

    assert fault.startswith(f"attempts.{kind}.limit: must be at ")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"attempts": {"login": {"within": 0}}}, "attempts.login.within: must be more than 0 seconds"),
        ({"attempts": {"login": {"lockout": "0m"}}}, "attempts.login.lockout: must be more than 0 seconds"),
        ({"sessions": {"idle": 0}}, "sessions.idle: must be more than 0 seconds"),
        ({"sessions": {"max_per_user": 0}}, "sessions.max_per_user: must be at least 1"),
        ({"attempts": {"per_address": 5}}, "attempts.per_address: must be a block of keys"),
        ({"attempts": {"per_address": {"limt": 5}}}, "attempts.per_address.limt: is unknown; did you mean limit?"),
        ({"cookies": {"name": "a b"}}, "cookies.name: must look like ^[A-Za-z0-9_.-]{1,64}$"),
        ({"cookies": {"name": "a;b"}}, "cookies.name: must look like ^[A-Za-z0-9_.-]{1,64}$"),
    ],
    ids=str,
)
def test_faults(faults: Faults, changes: dict[str, Any], path: str) -> None:
    """A limit of nothing and a name that is none are faults."""
    assert faults(**changes) == (path,)


def test_secure_by_default() -> None:
    """Cookies travel over TLS only unless it is said otherwise."""
    assert Cookies().secure is True


@pytest.mark.sec("NIST-33")
@pytest.mark.parametrize("number", [19, 101, 0, -1])
def test_no_more_than_hundred_in_a_row(faults: Faults, number: int) -> None:
    """NIST allows a hundred; with fewer than twenty, the quarter for known browsers would be none."""
    (fault,) = faults(attempts={"in_a_row": number})

    assert fault.startswith("attempts.in_a_row")
