"""Many users, each with a session."""

from __future__ import annotations

import time
from uuid import UUID

from sqlalchemy import Engine, insert, text, update

from onegov_auth import migrations
from onegov_auth.clock import utcnow
from onegov_auth.models import User, UserSession
from onegov_auth.sessions import token_hash
from onegov_auth.settings import Settings

__all__ = ["PASSWORD", "fill", "refresh", "session_token", "username"]

#: Everybody's password.
PASSWORD = "correct horse battery staple"

#: How many rows one statement inserts.
BATCH = 5_000


def username(number: int) -> str:
    """The name of user *number*."""
    return f"person{number}@example.org"


def session_token(number: int) -> str:
    """The session token of user *number*, as long as a real one."""
    return f"{number:07d}".rjust(43, "t")


def _user(number: int, password_hash: str) -> dict[str, object]:
    return {
        "id": UUID(int=number + 1),
        "type": "generic",
        "username": username(number),
        "username_key": username(number),
        "password_hash": password_hash,
        "role": "member",
        "data": {},
        "active": True,
        "email": username(number),
        "email_verified": True,
        "rights_stamp": 0,
        "created": utcnow(),
    }


def _session(number: int, settings: Settings) -> dict[str, object]:
    now = utcnow()
    return {
        "id": UUID(int=(1 << 64) + number),
        "token_hash": token_hash(settings.application, session_token(number)),
        "user_id": UUID(int=number + 1),
        "provider": "local",
        "created": now,
        "last_seen": now,
        "expires": now + settings.sessions.lifetime,
        "remember": False,
        "address": "192.0.2.1",
        "user_agent": "Mozilla/5.0",
        "factors": [],
    }


def fill(engine: Engine, settings: Settings, count: int, password_hash: str) -> float:
    """Make all tables and that many users with a session each; returns the seconds it took."""
    begun = time.perf_counter()
    migrations.upgrade(engine)
    with engine.begin() as connection:
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            connection.execute(insert(User.__table__), [_user(number, password_hash) for number in numbers])  # type: ignore[arg-type]  # SQLAlchemy types a class's table too widely
            connection.execute(insert(UserSession.__table__), [_session(number, settings) for number in numbers])  # type: ignore[arg-type]  # the same
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # A server does this by itself after a while; a fresh table would be read with plans for an empty one.
        connection.execute(text("ANALYZE"))
    return time.perf_counter() - begun


def refresh(engine: Engine) -> None:
    """Everybody was here just now: whether last-seen times are written is not what is measured."""
    with engine.begin() as connection:
        connection.execute(update(UserSession).values(last_seen=utcnow()))
