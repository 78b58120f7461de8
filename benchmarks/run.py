"""
``make bench``: how much the framework costs beside what one writes by hand, in one run.

Prints medians and their ratios, and ends with 1 when one is over its limit.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import morepath
from argon2 import PasswordHasher
from sqlalchemy import create_engine, select

from benchmarks.baseline import Bare, bare_app, form_mac
from benchmarks.framework import App, body_of, get, post
from benchmarks.ldap_login import directory_logins
from benchmarks.ldap_sync import directory_syncs
from benchmarks.measure import Line, Measured, interleaved
from benchmarks.oidc_callback import callbacks
from benchmarks.oidc_certified import certified_callbacks
from benchmarks.people import PASSWORD, fill, refresh, session_token, username
from benchmarks.permissions import permissions
from benchmarks.startup import startup
from onegov_auth.devices import Devices
from onegov_auth.models import User
from onegov_auth.passwords import Hasher
from onegov_auth.settings import Settings, settings_from
from onegov_auth.testing.servers import PostgreSQL, ServerMissingError

PARTS = ["local", "permissions", "directory", "openid", "sync"]

REQUEST_LIMIT = 1.3
LOGIN_LIMIT = 2.0

#: How many different people ask, in an order nobody could guess: a cache of the last ones would be no use.
ASKING = 2_000


@contextlib.contextmanager
def databases(wanted: list[str]) -> Iterator[dict[str, tuple[str, str]]]:
    """The URLs of two empty databases of each kind: for few people and for many."""
    with contextlib.ExitStack() as stack:
        urls = {}
        if "sqlite" in wanted:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            urls["SQLite"] = (f"sqlite:///{folder / 'few.db'}", f"sqlite:///{folder / 'many.db'}")
        if "postgresql" in wanted:
            try:
                server = PostgreSQL().start()
            except ServerMissingError as error:
                print(f"PostgreSQL is left out: {error}")
            else:
                stack.callback(server.close)
                urls["PostgreSQL"] = (server.create_database(), server.create_database())
        yield urls


def settings_for(url: str) -> Settings:
    """Local accounts only, everything else as it is by default."""
    return settings_from(
        {
            "application": "bench/app",
            "base_url": "https://app.example.org",
            "database": url,
            "secrets": [secrets.token_urlsafe(32)],
        }
    )


def requests(name: str, url: str, count: int, blocks: int) -> Line:
    """An authenticated request with a permission check."""
    settings = settings_for(url)
    engine = create_engine(url)
    spent = fill(engine, settings, count, "")
    print(f"  {name}: {count:,} users in {spent:.1f} s", file=sys.stderr)
    ours = App.from_settings(settings)
    theirs = bare_app(url, PasswordHasher())
    cookie = ours.cookies.session
    people = random.Random(count).choices(range(count), k=ASKING)

    def ask_ours(number: int) -> bytes:
        return body_of(ours, get("/", f"{cookie}={session_token(people[number % ASKING])}"))

    def ask_theirs(number: int) -> bytes:
        return body_of(theirs, get("/", f"auth={session_token(people[number % ASKING])}"))

    if ask_ours(0) != ask_theirs(0):
        raise RuntimeError("the two applications answer differently")
    refresh(engine)
    measured = interleaved([("framework", ask_ours), ("by hand", ask_theirs)], blocks=blocks, calls=100)
    line = Line(f"request, {name}, {count:,} users", REQUEST_LIMIT, *measured)
    _close(ours, theirs)
    engine.dispose()
    return line


def logins(name: str, url: str, count: int, blocks: int) -> tuple[Line, Measured, Measured]:
    """
    A login with a password whose hash costs next to nothing.

    Beside it the least that works by hand, which counts and records nothing, and what the real hash costs.
    """
    settings = settings_for(url)
    cheap = Hasher.cheap()
    ours = App.from_settings(settings, hasher=cheap)
    theirs = bare_app(url, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE users SET password_hash = '{cheap.hash(PASSWORD)}'")
    token = _form_token(ours)
    # Nearly every login is from a browser that is known: another one's costs a mail, as it would by hand.
    devices = Devices(ours.auth.keys)
    with ours.auth.database.read() as db:
        ids = {row.username: row.id for row in db.execute(select(User.username, User.id))}

    def enter_ours(number: int) -> bytes:
        name = username(number % count)
        fields = {"username": name, "password": PASSWORD, "csrf_token": token}
        cookie = f"{ours.cookies.browser}={'b' * 43}; {ours.cookies.device}={devices.note('', ids[name])}"
        return body_of(ours, post("/auth/login", cookie, fields), "303")

    def enter_theirs(path: str, number: int) -> bytes:
        form_token = f"salt.{form_mac(theirs.secret, 'salt', 'b' * 43)}"
        fields = {"username": username(number % count), "password": PASSWORD, "csrf_token": form_token}
        return body_of(theirs, post(path, f"browser={'b' * 43}", fields), "303")

    real = Hasher()
    hashed = real.hash(PASSWORD)
    candidates: list[tuple[str, Callable[[int], bytes]]] = [
        ("framework", enter_ours),
        ("by hand", partial(enter_theirs, "/login")),
        ("the least", partial(enter_theirs, "/quick")),
    ]
    framework, by_hand, least = interleaved(candidates, blocks=blocks, calls=20)
    (verify,) = interleaved([("argon2", lambda _: real.verify(PASSWORD, hashed))], blocks=10, calls=1)
    _close(ours, theirs)
    engine.dispose()
    return Line(f"login with a cheap hash, {name}", LOGIN_LIMIT, framework, by_hand), least, verify


def _form_token(ours: App) -> str:
    page = body_of(ours, get("/auth/login", f"{ours.cookies.browser}={'b' * 43}")).decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    if token is None:
        raise RuntimeError("the login page has no form token")
    return token[1]


def _close(ours: App, theirs: Bare) -> None:
    ours.auth.database.dispose()
    theirs.reading.dispose()
    theirs.writing.dispose()


def _explain(ours: float, least: float, verify: float) -> None:
    print(f"  by hand without limits and records: {least:.3f} ms, {ours / least:.2f} x")
    print(f"  argon2id takes {verify:.1f} ms, all the rest of a login {ours:.2f} ms ({ours / verify:.1%})")


def compare(options: argparse.Namespace) -> list[Line]:
    """Everything that has a limit and takes time."""
    lines = local(options) if "local" in options.parts else []
    if "permissions" in options.parts:
        with databases(options.databases) as urls:
            for name, (url, _) in urls.items():
                lines.extend(_told(permissions(name, _with_people(url), settings_for(url), options.blocks)))
    if "directory" in options.parts:
        for line in directory_logins(options.blocks):
            lines.append(line)
            print(line, flush=True)
    if "openid" in options.parts:
        with databases(options.databases) as urls:
            for line in callbacks({name: empty for name, (empty, _) in urls.items()}, options.blocks):
                lines.append(line)
                print(line, flush=True)
            for line in certified_callbacks({name: other for name, (_, other) in urls.items()}, options.blocks):
                lines.append(line)
                print(line, flush=True)
    if "sync" in options.parts:
        with databases(options.databases) as urls:
            counts = (10_000,) if options.quick else (10_000, 100_000)
            for line in directory_syncs({name: empty for name, (empty, _) in urls.items()}, counts):
                lines.append(line)
                print(line, flush=True)
    return lines


def _with_people(url: str) -> str:
    engine = create_engine(url)
    fill(engine, settings_for(url), 1_000, "")
    engine.dispose()
    return url


def _told(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        print(line, flush=True)
        yield line


def local(options: argparse.Namespace) -> list[Line]:
    """Requests and logins with our own tables alone."""
    lines = []
    with databases(options.databases) as urls:
        for name, (few, many) in urls.items():
            lines.append(requests(name, few, 1_000, options.blocks))
            print(lines[-1], flush=True)
            if not options.quick:
                lines.append(requests(name, many, 100_000, options.blocks))
                print(lines[-1], flush=True)
            line, least, verify = logins(name, few, 1_000, options.blocks)
            lines.append(line)
            print(line)
            _explain(line.ours.milliseconds, least.milliseconds, verify.milliseconds)
    return lines


def main() -> int:
    """Run everything; 1 when something is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=60, help="blocks of each candidate (60)")
    parser.add_argument("--quick", action="store_true", help="leave out what has 100,000 people")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS, help="what to measure (all of it)")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    morepath.commit(App)
    print(f"{'':<46}{'framework':>12} {'by hand':>12}     ratio   limit")
    lines = compare(options)
    light = startup()
    failed = [line for line in lines if not line.ok]
    print("everything within its limits" if light and not failed else "NOT everything within its limits")
    return 0 if light and not failed else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
