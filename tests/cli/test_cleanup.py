from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.models import (
    ApiToken,
    AuthEvent,
    LoginAttempt,
    LoginTransaction,
    RefreshToken,
    SigningKey,
    SignupLink,
    User,
    UserSession,
)


def ago(days: float) -> Any:
    return utcnow() - timedelta(days=days)


@pytest.fixture(name="_remains")
def _remains(database: Database, add_user: Any) -> None:
    """Of everything that runs out, one that has and one that hasn't."""
    user = add_user("ann")
    with database.unit() as db:
        for number, days in enumerate((400, 0)):
            expires = ago(days) + timedelta(hours=1)
            db.add(
                UserSession(
                    token_hash=f"{number}",
                    user_id=user.id,
                    provider="local",
                    created=ago(days),
                    last_seen=ago(days),
                    expires=expires,
                    remember=False,
                    factors=[],
                )
            )
            db.add(
                LoginTransaction(
                    id_hash=f"{number}", kind="redirect", browser_hash="", created=ago(days), expires=expires
                )
            )
            db.add(
                LoginAttempt(
                    attempt_type="login",
                    user_input="ann",
                    source_ip="192.0.2.1",
                    datetime_utc=ago(days),
                    is_during_lockout=False,
                )
            )
            db.add(AuthEvent(type="login", code="ok", created=ago(days), steps=[]))
            _add_registration(db, number, days)
            _add_tokens(db, user, number, days)


def _add_tokens(db: Session, user: User, number: int, days: float) -> None:
    ends = ago(days) + timedelta(hours=1)
    db.flush()
    open_ = db.scalars(select(UserSession.id).order_by(UserSession.created.desc())).first()
    times = {"created": ago(days), "expires": ends}
    db.add(ApiToken(user_id=user.id, key=f"{number}", token_hash="", name="x", **times))
    db.add(RefreshToken(session_id=open_ if number else _alive(db, user), token_hash=f"{number}", **times))
    key = {"algorithm": "EdDSA", "public": {}, "private": "", "application": "main/app"}
    db.add(SigningKey(id=f"{number}", created=ago(days), retired=ends, **key))


def _alive(db: Session, user: User) -> Any:
    row = UserSession(token_hash="alive", user_id=user.id, provider="local", created=ago(1), last_seen=ago(0))
    row.expires, row.remember, row.factors = ago(-1), False, []
    db.add(row)
    db.flush()
    return row.id


def _add_registration(db: Session, number: int, days: float) -> None:
    registered = User(username=f"registered-{number}", password_hash="a hash", role="member", active=False)
    registered.data, registered.created = {"activation_token": "a token"}, ago(days)
    ends = ago(days) + timedelta(hours=1)
    link = SignupLink(token_hash=f"{number}", role="member", max_uses=1, created=ago(days), expires=ends)
    db.add_all([registered, link])


@pytest.mark.usefixtures("_remains")
def test_cleanup(run: Any, database: Database, told: Any) -> None:
    """What has run out is deleted, the rest stays, and how much it was is told."""
    result = run("cleanup")

    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "Deleted: 1 sessions, 1 api-tokens, 1 refresh-tokens, 1 signing-keys, 1 transactions, 1 attempts, "
        "1 registrations, 1 signup-links, 1 events, 0 messages, 0 grants.\n"
    )
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(UserSession)) == 2
        for table in (ApiToken, RefreshToken, SigningKey, LoginTransaction, LoginAttempt, SignupLink):
            assert db.scalar(select(func.count()).select_from(table)) == 1
    assert [steps for type_, _, steps in told() if type_ == "cleanup"] == [
        [["sessions", "1"]],
        [["api-tokens", "1"]],
        [["refresh-tokens", "1"]],
        [["signing-keys", "1"]],
        [["transactions", "1"]],
        [["attempts", "1"]],
        [["registrations", "1"]],
        [["signup-links", "1"]],
        [["events", "1"]],
    ]


@pytest.mark.usefixtures("_remains")
def test_cleanup_later(answer: Any) -> None:
    """How long attempts and events are kept can be said."""
    kept = answer("cleanup", "--events", "500d", "--attempts", "500d")

    assert kept == {
        "sessions": 1,
        "api-tokens": 1,
        "refresh-tokens": 1,
        "signing-keys": 1,
        "transactions": 1,
        "attempts": 0,
        "registrations": 1,
        "signup-links": 1,
        "events": 0,
        "messages": 0,
        "grants": 0,
    }


def test_cleanup_of_nothing(answer: Any, told: Any) -> None:
    """Where nothing has run out, nothing is deleted and nothing told."""
    assert set(answer("cleanup").values()) == {0}
    assert told() == []


def test_cleanup_with_nonsense(run: Any) -> None:
    """A length of time that is none is a wrong command line."""
    result = run("cleanup", "--events", "a year")

    assert result.exit_code == 2
    assert "'a year' is no duration such as 30s, 10m, 12h or 14d" in result.stderr
