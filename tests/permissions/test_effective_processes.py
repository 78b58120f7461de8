from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import IO

import pytest
from sqlalchemy import select

from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.models import Grant, User, UserSession
from onegov_auth.sessions import token_hash
from tests.permissions.ways import BY_HAND, GRANTED, give

#: A process of its own: for each line it looks a session up, as a request does, and says what its user may.
WORKER = """
import sys
from sqlalchemy import event
from onegov_auth.auth import Auth
from onegov_auth.settings import settings_from

auth = Auth.from_settings(settings_from({
    "application": "example/app",
    "base_url": "https://app.example.org",
    "database": sys.argv[1],
    "secrets": ["a secret of at least thirty-two characters"],
}))
taken = []
event.listen(auth.database.engine, "checkout", lambda *_: taken.append(1))
for line in sys.stdin:
    taken.clear()
    found = auth.sessions.lookup(line.strip())
    lookups = len(taken)
    may = found is not None and auth.rights.has(found.uid, found.rights, "read")
    print("nobody" if found is None else f"{may} {lookups} {len(taken) - lookups}", flush=True)
"""


@pytest.fixture(name="ask")
def _ask(database: Database) -> Iterator[Callable[[str], str]]:
    """Ask the other process about the session of that token."""
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WORKER, url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def pipe(stream: IO[str] | None) -> IO[str]:
        assert stream is not None
        return stream

    def ask(token: str) -> str:
        pipe(process.stdin).write(f"{token}\n")
        pipe(process.stdin).flush()
        return pipe(process.stdout).readline().strip()

    with process:
        yield ask


def open_session(database: Database, user: User, token: str) -> None:
    """A session of *user*, by this machine's clock, which is the other process's as well."""
    now = utcnow()
    with database.unit() as db:
        times = {"created": now, "last_seen": now, "expires": now + timedelta(hours=1)}
        db.add(UserSession(user_id=user.id, token_hash=token_hash("example/app", token), provider="local", **times))


@pytest.mark.parametrize("way", [*BY_HAND, *GRANTED])
@pytest.mark.sec("ASVS-8.3.2")
def test_other_process_knows_at_its_next_request(
    database: Database, add: Callable[..., User], ask: Callable[[str], str], way: str
) -> None:
    """What is given or taken here holds there at once; while nothing changes, nobody's rights are asked for again."""
    ann, token = add(), "t" * 43
    open_session(database, ann, token)
    assert [ask(token), ask(token)] == ["False 1 1", "False 1 0"]

    with database.unit() as db:
        give(db, db.get_one(User, ann.id), way)
    # Of somebody with grants all is found at once, by a second statement.
    assert [ask(token), ask(token)] == [f"True 1 {2 if way in GRANTED else 1}", "True 1 0"]

    with database.unit() as db:
        user = db.get_one(User, ann.id)
        for held in (user.permissions, user.bundles, user.groups):
            held.clear()
        for grant in db.scalars(select(Grant)):
            db.delete(grant)
    assert [ask(token), ask(token)] == ["False 1 1", "False 1 0"]
