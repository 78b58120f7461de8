from __future__ import annotations

import pickle
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from onegov_auth.domain import (
    AuthnContext,
    Callback,
    Client,
    Password,
    SessionInfo,
    Transaction,
    UserInfo,
    hexadecimal,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.sec("LOG-02", "PWD-10")
def test_a_password_shows_itself_when_asked_only() -> None:
    """Neither repr, str nor pickle tells what it is."""
    password = Password("canary")

    assert password.reveal() == "canary"
    assert "canary" not in f"{password!r} {password} {[password]}"
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(password)


def test_an_empty_password_is_false() -> None:
    """Whether anything was typed can be asked without revealing it."""
    assert not Password("")
    assert Password(" ")


@pytest.mark.sec("LOG-05")
@pytest.mark.parametrize(
    "value",
    [
        Client(session_token="canary"),
        Client(browser="canary"),
        Callback({"code": "canary"}),
        AuthnContext(logout_hint="canary"),
        Transaction("canary", "redirect", None, "/", {"verifier": "canary"}, NOW),
        SessionInfo(uuid4(), uuid4(), "local", None, NOW, NOW, NOW, logout_hint="canary"),
    ],
    ids=["client", "browser", "callback", "context", "transaction", "session"],
)
def test_secrets_are_not_printed(value: object) -> None:
    """What holds a secret leaves it out of its repr."""
    assert "canary" not in repr(value)


@pytest.mark.parametrize(("realname", "title"), [("Ann Able", "Ann Able"), ("  ", "ann"), (None, "ann")])
def test_a_users_title_is_the_real_name_or_the_username(realname: str | None, title: str) -> None:
    """A blank real name is none."""
    assert title == UserInfo(uuid4(), "ann", "member", realname).title


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (UUID("a2f5730b-0000-4000-8000-000000000001"), "a2f5730b000040008000000000000001"),
        ("a2f5730b-0000-4000-8000-000000000001", "a2f5730b000040008000000000000001"),
        ("a2f5730b000040008000000000000001", "a2f5730b000040008000000000000001"),
        (7, "7"),
        (-7, "-7"),
        ("a-b", "a-b"),
        ("ab", "ab"),
    ],
)
def test_keys_in_identities(key: object, expected: str) -> None:
    """Every spelling of a UUID is the same key, and no other two keys are."""
    assert hexadecimal(key) == expected
