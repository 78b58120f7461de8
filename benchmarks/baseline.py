"""
What somebody writes by hand who knows Morepath and SQLAlchemy well, and has nothing else to think of.

The same tables, one statement per request that is built once, autocommit, only the columns that are needed, and none
of what the framework does besides: no idle time, groups, trusted proxies, security headers or pages for refusals.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import morepath
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import (
    Boolean,
    Double,
    Engine,
    Integer,
    String,
    bindparam,
    column,
    create_engine,
    event,
    func,
    insert,
    make_url,
    select,
    table,
)
from webob import Response

from onegov_auth.models import LoginAttempt, UserSession

__all__ = ["Bare", "bare_app", "form_mac"]

#: As somebody would write them who reads the table, not the classes: values come as the driver returns them.
users = table(
    "users",
    column("id"),
    column("username", String),
    column("role", String),
    column("active", Boolean),
    column("password_hash", String),
)
sessions = table("user_sessions", column("token_hash", String), column("user_id"), column("expires", Double))
attempts = table(
    "login_attempts",
    column("id", Integer),
    column("user_input", String),
    column("attempt_type", String),
    column("success", Boolean),
    column("datetime_utc", Double),
)

#: Built once; SQLAlchemy finds it compiled in its cache from the second request on.
WHO = (
    select(users.c.id, users.c.username, users.c.role, sessions.c.expires)
    .join_from(sessions, users, sessions.c.user_id == users.c.id)
    .where(sessions.c.token_hash == bindparam("token_hash"), users.c.active)
)
FAILURES = select(func.count()).where(
    attempts.c.user_input == bindparam("name"),
    attempts.c.attempt_type == "login",
    attempts.c.success.is_(False),
    attempts.c.datetime_utc > bindparam("since"),
)
BY_NAME = select(users.c.id, users.c.password_hash).where(users.c.username == bindparam("name"), users.c.active)
OPEN = insert(UserSession.__table__)  # type: ignore[arg-type]  # SQLAlchemy types a class's table too widely
RECORD = insert(LoginAttempt.__table__)  # type: ignore[arg-type]  # the same


def engine_for(url: str, **options: Any) -> Engine:
    """An engine, on SQLite in the mode that everybody recommends."""
    engine = create_engine(make_url(url), **options)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _record: object) -> None:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "busy_timeout = 15000"):
                connection.execute(f"PRAGMA {pragma}")

    return engine


class Bare(morepath.App):
    """The hand-written application: a page for members, and a login."""

    def __init__(self, url: str, hasher: PasswordHasher, secret: bytes = b"secret") -> None:
        super().__init__()
        # Without a reset: there is no transaction to end in autocommit.
        self.reading = engine_for(url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)
        self.writing = engine_for(url)
        self.hasher = hasher
        self.secret = secret


class Personal:
    """For everybody who is logged in."""


class Root:
    """The only page."""


class Login:
    """Where the login form goes."""


class Policy(morepath.IdentityPolicy):
    """The session cookie, by one statement."""

    def identify(self, request: Any) -> Any:
        """Who is asking?"""
        token = request.cookies.get("auth")
        if token is None:
            return morepath.NO_IDENTITY
        digest = hashlib.sha256(token.encode()).hexdigest()
        with request.app.reading.connect() as connection:
            row = connection.execute(WHO, {"token_hash": digest}).first()
        if row is None or row.expires <= time.time():
            return morepath.NO_IDENTITY
        return morepath.Identity(row.username, uid=row.id, role=row.role)

    def remember(self, response: Any, request: Any, identity: Any) -> None:
        """The login does that itself."""

    def forget(self, response: Any, request: Any) -> None:
        """Drop the cookie."""
        del request
        response.delete_cookie("auth")


@Bare.identity_policy()
def _policy() -> Policy:
    return Policy()


@Bare.verify_identity()
def _verify(identity: Any) -> bool:
    del identity
    return True


@Bare.permission_rule(model=Root, permission=Personal)
def _may(identity: Any, model: Root, permission: type) -> bool:
    del model, permission
    return identity.role in {"admin", "editor", "supporter", "member"}


@Bare.path(path="", model=Root)
def _root() -> Root:
    return Root()


@Bare.html(model=Root, permission=Personal)
def _home(self: Root, request: Any) -> str:
    del self
    return f"Hello {request.identity.userid}"


@Bare.path(path="login", model=Login)
def _login_path() -> Login:
    return Login()


@Bare.view(model=Login, request_method="POST")
def _login(self: Login, request: Any) -> Response:
    """A careful login: form token, throttling, one hash; a session and a line for the auditor in one transaction."""
    del self
    app: Bare = request.app
    salt, _, mac = request.POST["csrf_token"].partition(".")
    if not hmac.compare_digest(mac, form_mac(app.secret, salt, request.cookies["browser"])):
        return Response("refused", status=403)
    name = request.POST["username"].strip().lower()
    since = (datetime.now(UTC) - timedelta(minutes=10)).timestamp()
    with app.reading.connect() as connection:
        failures = connection.scalar(FAILURES, {"name": name, "since": since}) or 0
        user = connection.execute(BY_NAME, {"name": name}).first()
    if failures >= 15 or user is None or not _verified(app.hasher, user.password_hash, request.POST["password"]):
        with app.writing.begin() as connection:
            connection.execute(RECORD, _attempt(name, request, success=False))
        return Response("wrong", status=403)
    token = secrets.token_urlsafe(32)
    with app.writing.begin() as connection:
        connection.execute(OPEN, _session(user.id, token, request))
        connection.execute(RECORD, _attempt(name, request, success=True))
    response = Response(status=303, location="/")
    response.set_cookie("auth", token, path="/", secure=True, httponly=True, samesite="Lax")
    return response


def form_mac(secret: bytes, salt: str, browser: str) -> str:
    """The part of a form token that only we can make."""
    return hmac.new(secret, f"{salt}:{browser}".encode(), "sha256").hexdigest()


def _verified(hasher: PasswordHasher, hashed: str, clear: str) -> bool:
    try:
        return hasher.verify(hashed, clear)
    except VerificationError:
        return False


def _session(user_id: Any, token: str, request: Any) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "id": uuid4(),
        "token_hash": hashlib.sha256(token.encode()).hexdigest(),
        "user_id": user_id if isinstance(user_id, UUID) else UUID(user_id),
        "provider": "local",
        "created": now,
        "last_seen": now,
        "expires": now + timedelta(hours=12),
        "remember": False,
        "address": request.remote_addr,
        "user_agent": request.user_agent,
        "factors": [],
    }


def _attempt(name: str, request: Any, *, success: bool) -> dict[str, object]:
    return {
        "attempt_type": "login",
        "user_input": name,
        "source_ip": request.remote_addr,
        "datetime_utc": datetime.now(UTC),
        "is_during_lockout": False,
        "success": success,
    }


def bare_app(url: str, hasher: PasswordHasher) -> Bare:
    """The application over that database."""
    morepath.commit(Bare)
    return Bare(url, hasher)
