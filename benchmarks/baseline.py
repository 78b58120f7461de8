"""
What somebody writes by hand who knows Morepath and SQLAlchemy well, and has nothing else to think of.

The same tables, one statement per request that is built once, autocommit, only the columns that are needed, and none
of what the framework does besides: no idle time, groups, trusted proxies, security headers or pages for refusals.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
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
    DateTime,
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
    update,
)
from webob import Response

from onegov_auth.models import AuthEvent, LoginAttempt, UserSession

__all__ = ["Bare", "bare_app", "form_mac"]

log = logging.getLogger("benchmark")

#: As somebody would write them who reads the table, not the classes: values come as the driver returns them.
users = table(
    "users",
    column("id"),
    column("username", String),
    column("role", String),
    column("active", Boolean),
    column("password_hash", String),
    column("last_login", DateTime),
)
sessions = table("user_sessions", column("token_hash", String), column("user_id"), column("expires", Double))
attempts = table(
    "login_attempts",
    column("id", Integer),
    column("user_input", String),
    column("source_ip", String),
    column("attempt_type", String),
    column("success", Boolean),
    column("code", String),
    column("datetime_utc", Double),
)

#: Built once; SQLAlchemy finds it compiled in its cache from the second request on.
WHO = (
    select(users.c.id, users.c.username, users.c.role, sessions.c.expires)
    .join_from(sessions, users, sessions.c.user_id == users.c.id)
    .where(sessions.c.token_hash == bindparam("token_hash"), users.c.active)
)
RECENT = (attempts.c.attempt_type == "login", attempts.c.datetime_utc > bindparam("since"))
WRONG = attempts.c.success.is_not(True)
#: How often this account failed since its last success, and how often this address did.
FAILURES = select(
    select(func.count())
    .where(
        attempts.c.user_input == bindparam("name"),
        *RECENT,
        WRONG,
        attempts.c.datetime_utc
        > select(func.coalesce(func.max(attempts.c.datetime_utc), 0.0))
        .where(attempts.c.user_input == bindparam("name"), attempts.c.success.is_(True))
        .scalar_subquery(),
    )
    .scalar_subquery(),
    select(func.count()).where(attempts.c.source_ip == bindparam("address"), *RECENT, WRONG).scalar_subquery(),
)
BY_NAME = select(users.c.id, users.c.password_hash).where(users.c.username == bindparam("name"), users.c.active)
SEEN = update(users).where(users.c.id == bindparam("user_id")).values(last_login=bindparam("now"))
OPEN = insert(UserSession.__table__)  # type: ignore[arg-type]  # SQLAlchemy types a class's table too widely
RESERVE = insert(LoginAttempt.__table__)  # type: ignore[arg-type]  # the same
SETTLE = update(attempts).where(attempts.c.id == bindparam("key")).values(success=bindparam("ok"), code="done")
RECORD = insert(AuthEvent.__table__)  # type: ignore[arg-type]  # the same


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


class Quick:
    """The same, for the least that works."""


class Policy(morepath.IdentityPolicy):
    """The session cookie, by one statement."""

    def identify(self, request: Any) -> Any:
        """Who is asking?"""
        token = request.cookies.get("auth")
        if token is None:
            return morepath.NO_IDENTITY
        digest = hashlib.sha256(b"bench/app:" + token.encode()).hexdigest()
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
    """
    A login that does what ours does.

    A form token, an attempt that is reserved and committed before the password is looked at, limits by account and by
    address, one hash, then session, outcome, time of login and event in one transaction, and a log line.
    """
    del self
    app, name = request.app, _name(request)
    if name is None:
        return Response("refused", status=403)
    now, address = datetime.now(UTC), request.remote_addr
    with app.writing.begin() as connection:
        since = (now - timedelta(minutes=10)).timestamp()
        mine, here = connection.execute(FAILURES, {"name": name, "address": address, "since": since}).one()
        if mine >= 15 or here >= 100:
            return Response("later", status=429)
        key = connection.execute(RESERVE, _attempt(name, address, now)).inserted_primary_key[0]
    with app.reading.connect() as connection:
        user = connection.execute(BY_NAME, {"name": name}).first()
    ok = user is not None and _verified(app.hasher, user.password_hash, request.POST["password"])
    token = secrets.token_urlsafe(32)
    with app.writing.begin() as connection:
        if ok:
            connection.execute(OPEN, _session(user.id, token, request))
            connection.execute(SEEN, {"user_id": user.id, "now": now.replace(tzinfo=None)})
        connection.execute(SETTLE, {"key": key, "ok": ok})
        connection.execute(RECORD, _event(name, request, now, "ok" if ok else "wrong"))
    log.info("%s login by %s (%s)", "Successful" if ok else "Failed", address, name)
    return _logged_in(token) if ok else Response("wrong", status=403)


@Bare.path(path="quick", model=Quick)
def _quick_path() -> Quick:
    return Quick()


@Bare.view(model=Quick, request_method="POST")
def _quick(self: Quick, request: Any) -> Response:
    """A login that counts nothing and keeps no record: the least that works."""
    del self
    app, name = request.app, _name(request)
    if name is None:
        return Response("refused", status=403)
    with app.reading.connect() as connection:
        user = connection.execute(BY_NAME, {"name": name}).first()
    if user is None or not _verified(app.hasher, user.password_hash, request.POST["password"]):
        return Response("wrong", status=403)
    token = secrets.token_urlsafe(32)
    with app.writing.begin() as connection:
        connection.execute(OPEN, _session(user.id, token, request))
    return _logged_in(token)


def _name(request: Any) -> str | None:
    """The name in the form, if the form is ours."""
    salt, _, mac = request.POST["csrf_token"].partition(".")
    if not hmac.compare_digest(mac, form_mac(request.app.secret, salt, request.cookies["browser"])):
        return None
    return str(request.POST["username"]).strip().lower()


def _logged_in(token: str) -> Response:
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
        "token_hash": hashlib.sha256(b"bench/app:" + token.encode()).hexdigest(),
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


def _attempt(name: str, address: str | None, now: datetime) -> dict[str, object]:
    return {
        "attempt_type": "login",
        "user_input": name,
        "source_ip": address,
        "datetime_utc": now,
        "is_during_lockout": False,
    }


def _event(name: str, request: Any, now: datetime, code: str) -> dict[str, object]:
    return {
        "type": "login",
        "username": name,
        "provider": "local",
        "code": code,
        "address": request.remote_addr,
        "user_agent": request.user_agent,
        "created": now,
        "steps": [],
    }


def bare_app(url: str, hasher: PasswordHasher) -> Bare:
    """The application over that database."""
    morepath.commit(Bare)
    return Bare(url, hasher)
