"""Signed tokens: for one purpose, for one application, for a while."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from onegov_auth.keys import Keys
from onegov_auth.settings import Secret
from onegov_auth.tokens import MAX_LENGTH, issue, read

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = Secret("the old secret of this application"), Secret("the new secret of this application")


def at(moment: datetime) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: moment


NOW = at(START)


@pytest.fixture(name="keys")
def _keys() -> Keys:
    return Keys([OLD], "town/wiki")


def forged(keys: Keys, header: dict[str, Any] | None = None, purpose: str = "reset", **claims: Any) -> str:
    """A token signed with the right key whose header and claims are anything."""
    whole = {
        "purpose": "reset",
        "application": "town/wiki",
        "iat": int(START.timestamp()),
        "exp": int((START + HOUR).timestamp()),
        "data": {"a": 1},
    }
    whole = {key: value for key, value in (whole | claims).items() if value is not None}
    key = OctKey.import_key(keys.derive(f"token:{purpose}")[0])
    return jwt.encode(
        {"alg": "HS256", "typ": "onegov-auth+jwt"} | (header or {}), whole, key, algorithms=["HS256", "HS512"]
    )


def test_read(keys: Keys) -> None:
    """What was put into a token comes out, and the token is URL-safe."""
    token = issue(keys, "reset", {"user": "ann", "n": [1, None]}, HOUR, NOW)

    assert read(keys, "reset", token, NOW) == {"user": "ann", "n": [1, None]}
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()


def test_real_clock(keys: Keys) -> None:
    """Without a clock, the system's is used."""
    assert read(keys, "reset", issue(keys, "reset", {}, HOUR)) == {}


def test_the_forger_is_right(keys: Keys) -> None:
    """The tokens forged below are read when nothing in them is wrong."""
    assert read(keys, "reset", forged(keys), NOW) == {"a": 1}


@pytest.mark.sec("ASVS-9.2.1", "RESET-01")
@pytest.mark.parametrize(("seconds", "good"), [(0, True), (3599, True), (3600, False), (10**6, False)])
def test_expires(keys: Keys, seconds: int, good: bool) -> None:
    """A token is good until the second it expires."""
    token = issue(keys, "reset", {}, HOUR, NOW)

    assert (read(keys, "reset", token, at(START + timedelta(seconds=seconds))) is not None) is good


@pytest.mark.sec("ASVS-9.2.2", "ASVS-9.2.4", "RESET-01")
def test_bound(keys: Keys) -> None:
    """A token is good for its purpose and its application only."""
    token = issue(keys, "reset", {}, HOUR, NOW)

    assert read(keys, "activate", token, NOW) is None
    assert read(Keys([OLD], "town/news"), "reset", token, NOW) is None
    assert read(Keys([NEW], "town/wiki"), "reset", token, NOW) is None


@pytest.mark.sec("ASVS-9.2.2", "ASVS-9.2.4")
@pytest.mark.parametrize(
    "claims",
    [
        {"purpose": "activate"},
        {"purpose": None},
        {"application": "town/news"},
        {"application": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"data": None},
        {"data": "text"},
        {"state": "x"},
    ],
    ids=str,
)
def test_claims(keys: Keys, claims: dict[str, Any]) -> None:
    """A claim that is missing, of another type or of something else voids the token, even rightly signed."""
    assert read(keys, "reset", forged(keys, **claims), NOW) is None


@pytest.mark.sec("ASVS-9.1.2", "ASVS-9.2.2")
@pytest.mark.parametrize("header", [{"alg": "HS512"}, {"typ": "JWT"}, {"typ": "at+jwt"}], ids=str)
def test_header(keys: Keys, header: dict[str, Any]) -> None:
    """Another algorithm or type than ours is refused, even with the right key."""
    assert read(keys, "reset", forged(keys, header), NOW) is None


def part(content: dict[str, Any]) -> str:
    """A part of a token, as it travels."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.sec("ASVS-9.1.1", "ASVS-9.1.2", "ASVS-9.1.3")
@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS256", ""])
def test_unsigned(keys: Keys, alg: str) -> None:
    """A token without a signature, whatever it calls itself, is refused."""
    payload = issue(keys, "reset", {}, HOUR, NOW).split(".")[1]
    header = part({"alg": alg, "typ": "onegov-auth+jwt", "jwk": {"kty": "oct", "k": "AAAA"}})

    assert read(keys, "reset", f"{header}.{payload}.", NOW) is None


@pytest.mark.sec("ASVS-9.1.1")
def test_changed(keys: Keys) -> None:
    """A token in which any character is changed is refused."""
    token = issue(keys, "reset", {"user": "ann"}, HOUR, NOW)
    # The last character of a base64 text carries bits that mean nothing.
    places = [at for at in range(len(token)) if token[at] != "." and (token + ".")[at + 1] != "."]

    for place in places:
        other = "A" if token[place] != "A" else "B"
        assert read(keys, "reset", token[:place] + other + token[place + 1 :], NOW) is None


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "ä.b.c", "a" * (MAX_LENGTH + 1), "a.b.c.d.e", "\0"], ids=lambda t: t[:5]
)
def test_rubbish(keys: Keys, token: str) -> None:
    """What is no token is refused and is no error."""
    assert read(keys, "reset", token, NOW) is None


def test_too_much_data(keys: Keys) -> None:
    """A token that could not be read again is not made."""
    with pytest.raises(ValueError, match="at most"):
        issue(keys, "reset", {"a": "x" * MAX_LENGTH}, HOUR, NOW)


@pytest.mark.sec("ASVS-13.3.4")
def test_rotation(keys: Keys) -> None:
    """A token of an old secret is good as long as the secret is configured; the newest one signs."""
    token = issue(keys, "reset", {"a": 1}, HOUR, NOW)
    rotated = Keys([NEW, OLD], "town/wiki")

    assert read(rotated, "reset", token, NOW) == {"a": 1}
    assert read(Keys([NEW], "town/wiki"), "reset", issue(rotated, "reset", {}, HOUR, NOW), NOW) == {}


@pytest.mark.sec("RESET-02")
def test_voided(keys: Keys) -> None:
    """A token that depends on a state is void when the state changed, was forgotten, or never was there."""
    bound = issue(keys, "reset", {"a": 1}, HOUR, NOW, voided_by="hash one")
    free = issue(keys, "reset", {"a": 1}, HOUR, NOW)

    assert read(keys, "reset", bound, NOW, voided_by="hash one") == {"a": 1}
    assert read(keys, "reset", bound, NOW, voided_by="hash two") is None
    assert read(keys, "reset", bound, NOW) is None
    assert read(keys, "reset", free, NOW, voided_by="hash one") is None


def test_voided_after_rotation(keys: Keys) -> None:
    """A rotation of the secret does not void a token that depends on a state."""
    token = issue(keys, "reset", {}, HOUR, NOW, voided_by="hash one")

    assert read(Keys([NEW, OLD], "town/wiki"), "reset", token, NOW, voided_by="hash one") == {}


@pytest.mark.sec("PWD-10", "LOG-02")
def test_state_can_not_be_read(keys: Keys) -> None:
    """The state a token depends on is not in it."""
    token = issue(keys, "reset", {}, HOUR, NOW, voided_by="CANARY")
    payload = token.split(".")[1]

    assert b"CANARY" not in base64.urlsafe_b64decode(payload + "==")
