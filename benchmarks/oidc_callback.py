"""
A callback beside the raw token exchange plus verification, in one run and against one provider.

By hand the code is posted over a kept connection of httpx, and the ID token verified by joserfc with a key that was
read once. Ours is the whole callback as a browser asks for it, and its limit is taken against that exchange with the
database included: the least that a callback keeps (a transaction taken, the last login, a session, an event; two
commits on the bare driver), without a page, a rule or a hash. Beside them, without a limit: the exchange without a
database, and a bare round trip to the provider. That is :mod:`benchmarks.oidc_op`, a process of its own that signs
each ID token when its code comes, as every provider does; what it takes is in all.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from benchmarks.framework import HOST, App, body_of, get, post
from benchmarks.measure import Line, interleaved
from onegov_auth import migrations
from onegov_auth.database import Database
from onegov_auth.settings import settings_from

__all__ = ["CALLBACK", "CALLBACK_LIMIT", "Exchange", "Records", "begin", "callbacks", "settings_for"]

CALLBACK_LIMIT = 2.0

#: As many people log in by turns: more than one session each, and no more than may be open.
PEOPLE = 50
CALLS = 10

CALLBACK = f"https://{HOST}/auth/provider/company/callback"


@contextlib.contextmanager
def _provider() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.oidc_op"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


class Ours:
    """Callbacks that a browser is ready to ask for."""

    def __init__(self, url: str, issuer: str, asking: httpx.Client, count: int) -> None:
        self.app = App.from_settings(settings_for(url, issuer))
        self._asking = asking
        self._devices: dict[int, str] = {}
        self._ready = [self._begin(number) for number in range(count)]

    def __call__(self, number: int) -> None:
        """Come back, with a browser that this person used before, but for the first time."""
        cookie, query = self._ready[number]
        known = self._devices.get(number % PEOPLE)
        environ = get("/auth/provider/company/callback", f"{cookie}; {known}" if known else cookie)
        body_of(self._noticing(number) if known is None else self.app, environ | {"QUERY_STRING": query}, "303")

    def _noticing(self, number: int) -> Callable[..., Any]:
        """The application, and a note of the cookie by which it knows the browser again."""

        def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            def start(status: str, headers: list[tuple[str, str]], error: object = None) -> Any:
                for name, value in headers:
                    if name == "Set-Cookie" and value.startswith(f"{self.app.cookies.device}="):
                        self._devices[number % PEOPLE] = value.partition(";")[0]
                return start_response(status, headers, error)

            return self.app(environ, start)

        return app

    def close(self) -> None:
        """Let go of everything."""
        self.app.auth.resources.clear()
        self.app.auth.database.dispose()

    def _begin(self, number: int) -> tuple[str, str]:
        cookie, url = begin(self.app, number)
        answer = self._asking.get(f"{url}&{urlencode({'sub': f'person{number % PEOPLE}'})}").json()
        return cookie, urlencode(answer)


def begin(app: App, number: int) -> tuple[str, str]:
    """Begin a login in a browser of its own, because one has only so many pending: its cookie, and where to go."""
    cookie = f"{app.cookies.browser}={number:07d}".ljust(len(app.cookies.browser) + 44, "b")
    login = body_of(app, get("/auth/login", cookie)).decode()
    csrf = login.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    page = body_of(app, post("/auth/provider/company", cookie, {"csrf_token": csrf})).decode()
    return cookie, unescape(page.partition("; url=")[2].partition('"')[0])


class Exchange:
    """The exchange and the verification, as one writes them by hand."""

    def __init__(self, issuer: str, client_id: str = "example-app", client_secret: str = "s3cret") -> None:
        self.client = httpx.Client(trust_env=False)
        self.client_id, self._secret = client_id, client_secret
        metadata = self.client.get(f"{issuer}/.well-known/openid-configuration").json()
        self.authorization_endpoint: str = metadata["authorization_endpoint"]
        self._token_endpoint = metadata["token_endpoint"]
        self._keys = KeySet.import_key_set(self.client.get(metadata["jwks_uri"]).json())
        self._rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client_id},
            nonce={"essential": True, "value": "nonce"},
            exp={"essential": True},
            sub={"essential": True},
        )

    def exchange(self, code: str, verifier: str) -> None:
        """Exchange a code and verify what comes."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
        answer = self.client.post(self._token_endpoint, data=form, auth=(self.client_id, self._secret))
        token = jwt.decode(answer.json()["id_token"], self._keys, algorithms=["RS256"])
        self._rules.validate(token.claims)


class Raw(Exchange):
    """The same at the quickest provider, which is ready for all of them."""

    def __init__(self, issuer: str, asking: httpx.Client, count: int) -> None:
        super().__init__(issuer)
        asked = {"client_id": self.client_id, "nonce": "nonce", "state": "state"}
        self._codes = [
            asking.get(self.authorization_endpoint, params={**asked, "sub": f"person{number % PEOPLE}"}).json()["code"]
            for number in range(count)
        ]

    def __call__(self, number: int) -> None:
        """Exchange a code and verify what comes."""
        self.exchange(self._codes[number], "v" * 64)


class Records:
    """The records of a login in tables of its own, by statements on the bare driver: no page, no rule, no hash."""

    def __init__(self, url: str) -> None:
        # Its connections are set up as ours are.
        self.engine = Database(url).engine
        self._mark = "?" if self.engine.dialect.name == "sqlite" else "%s"
        with self._unit() as connection:
            for table in (
                "begun (id TEXT",
                "people (id TEXT",
                "sessions (person TEXT, id TEXT",
                "events (person TEXT, id TEXT",
            ):
                self._run(connection, f"CREATE TABLE IF NOT EXISTS least_{table} PRIMARY KEY, data TEXT)")

    def begin(self, key: str) -> None:
        """Remember a login that begins; nobody measures that."""
        with self._unit() as connection:
            self._run(connection, "INSERT INTO least_begun VALUES (?, ?)", key, "nonce and verifier" * 20)

    def take(self, key: str) -> None:
        """Take what was begun."""
        with self._unit() as connection:
            self._run(connection, "DELETE FROM least_begun WHERE id = ? RETURNING data", key).fetchone()

    def keep(self, person: str) -> None:
        """Write down who came."""
        key = secrets.token_urlsafe(32)
        seen = "INSERT INTO least_people VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data"
        with self._unit() as connection:
            self._run(connection, seen, person, key)
            self._run(connection, "INSERT INTO least_sessions VALUES (?, ?, ?)", person, key, "hint" * 200)
            self._run(connection, "INSERT INTO least_events VALUES (?, ?, ?)", person, key, "steps" * 40)

    def close(self) -> None:
        """Let go of the connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _unit(self) -> Iterator[Any]:
        pooled = self.engine.raw_connection()
        driver: Any = pooled.driver_connection
        if self._mark == "?":
            driver.execute("BEGIN IMMEDIATE")
        yield driver
        pooled.commit()
        pooled.close()

    def _run(self, connection: Any, statement: str, *values: str) -> Any:
        return connection.execute(statement.replace("?", self._mark), values)


class Least(Raw):
    """The exchange and the verification with the database included."""

    def __init__(self, url: str, issuer: str, asking: httpx.Client, count: int) -> None:
        super().__init__(issuer, asking, count)
        self.records = Records(url)
        for number in range(count):
            self.records.begin(f"{number}")

    def __call__(self, number: int) -> None:
        """Take what was begun, exchange and verify, and write down who came."""
        self.records.take(f"{number}")
        super().__call__(number)
        self.records.keep(f"{number % PEOPLE}")


def callbacks(urls: Mapping[str, str], blocks: int) -> Iterator[Line]:
    """
    One comparison for each database, which is empty.

    Raises:
        RuntimeError: If metadata or keys are fetched while they are kept.
    """
    with _provider() as issuer, httpx.Client(trust_env=False) as asking:
        count = max((blocks + 2) * CALLS, PEOPLE)
        for name, url in urls.items():
            database = Database(url)
            migrations.upgrade(database.engine)
            database.dispose()
            ours, raw = Ours(url, issuer, asking, count + PEOPLE), Raw(issuer, asking, count + PEOPLE)
            least = Least(url, issuer, asking, count + PEOPLE)
            for number in range(count, count + PEOPLE):
                # Everybody has an account, all is kept, all connections are open.
                ours(number)
                raw(number)
                least(number)
            before = _calls(asking, issuer)
            trip = _round_trip(issuer)
            candidates: list[tuple[str, Callable[[int], object]]] = [("callback", ours), ("raw", raw), ("trip", trip)]
            candidates.append(("least", least))
            framework, by_hand, bare, kept = interleaved(candidates, blocks=blocks, calls=CALLS)
            fetched = {path: _calls(asking, issuer)[path] - before[path] for path in before if path != "/calls"}
            if any(fetched[path] for path in fetched if path != "/token"):
                raise RuntimeError(f"something was fetched that is kept: {fetched}")
            ours.close()
            raw.client.close()
            least.client.close()
            least.records.close()
            yield Line(f"OpenID callback, {name}", CALLBACK_LIMIT, framework, kept)
            yield Line("  beside the exchange without a database", None, framework, by_hand)
            print(f"  a bare round trip to the provider: {bare.milliseconds:.3f} ms; fetched meanwhile: {fetched}")


def _round_trip(issuer: str) -> Callable[[int], object]:
    port = urlsplit(issuer).port or 0
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def trip(_number: int) -> bytes:
        connection.sendall(b"HEAD /trip HTTP/1.1\r\nHost: provider\r\n\r\n")
        return connection.recv(4096)

    return trip


def _calls(asking: httpx.Client, issuer: str) -> dict[str, int]:
    found: dict[str, int] = asking.get(f"{issuer}/calls").json()
    names = ("/token", "/jwks", "/.well-known/openid-configuration", "/userinfo")
    return {name: found.get(name, 0) for name in names}


def settings_for(url: str, issuer: str, client_id: str = "example-app", client_secret: str = "s3cret") -> Any:
    """Local accounts, and this provider, which is asked for an ID token only, as by hand."""
    return settings_from(
        {
            "application": "bench/oidc",
            "base_url": f"https://{HOST}",
            "database": url,
            "secrets": ["a secret for benchmarks only, of more than 32 characters"],
            "providers": {
                "local": {"kind": "local"},
                "company": {
                    "kind": "oidc",
                    "issuer": issuer,
                    "client_id": client_id,
                    "client_secret": client_secret,
                    "userinfo": "never",
                    "claims": {"username": "sub"},
                    "default_role": "member",
                },
            },
        }
    )
