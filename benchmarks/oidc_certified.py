"""
A callback beside the raw token exchange plus verification, at the certified npm ``oidc-provider``.

What a person waits for: the provider checks client, code and PKCE, signs, and stores, as providers do. How much the
framework alone costs is seen better beside the quickest provider there can be, in :mod:`benchmarks.oidc_callback`,
which says what is compared with what. Codes of a real provider are good for a minute: those of a block are asked for
right before it, which is not measured.
"""

from __future__ import annotations

import secrets
import statistics
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from benchmarks.framework import App, body_of, get
from benchmarks.measure import Line, Measured
from benchmarks.oidc_callback import CALLBACK, CALLBACK_LIMIT, CALLS, Exchange, Records, begin, settings_for
from onegov_auth import migrations
from onegov_auth.database import Database
from onegov_auth.testing.servers import OidcProvider, ServerMissingError
from onegov_auth.testing.servers.browsing import new_browser
from onegov_auth.testing.servers.oidc import Account

__all__ = ["certified_callbacks"]

#: Blocks that are not counted: everybody has an account and a browser that is known.
WARM_UP = 4

#: Nobody has more sessions than people have.
PEOPLE = WARM_UP * CALLS


class _Asking:
    """
    People whose browsers are logged in at the provider, and so get a code for every question.

    Each has three browsers, one for the callback and two for the exchanges: a browser has one code at a time.
    """

    def __init__(self, op: OidcProvider) -> None:
        self._op = op
        self._browsers = [new_browser() for _ in range(PEOPLE * 3)]

    def code(self, url: str, number: int) -> dict[str, str]:
        """What the provider sends back for this authorization request."""
        return dict(parse_qsl(urlsplit(self._op.log_in(url, f"person{number % PEOPLE}", self._browsers[number])).query))

    def close(self) -> None:
        for browser in self._browsers:
            browser.close()


def certified_callbacks(urls: Mapping[str, str], blocks: int) -> Iterator[Line]:
    """The comparisons for each database, which is empty or was used by this before."""
    try:
        op = OidcProvider(redirect_uris=(CALLBACK,), accounts=map(_account, range(PEOPLE)))
        op.start()
    except ServerMissingError as error:
        print(f"The certified provider is left out: {error}")
        return
    asking = _Asking(op)
    try:
        for name, url in urls.items():
            yield from _compare(op, asking, name, url, blocks)
    finally:
        asking.close()
        op.close()


def _account(number: int) -> Account:
    name = f"person{number}"
    return Account(name, name, secrets.token_urlsafe(16), f"{name}@example.org", given_name="Some", family_name="Body")


def _compare(op: OidcProvider, asking: _Asking, name: str, url: str, blocks: int) -> Iterator[Line]:
    database = Database(url)
    migrations.upgrade(database.engine)
    database.dispose()
    app = App.from_settings(settings_for(url, op.issuer, op.client_id, op.client_secret))
    raw = Exchange(op.issuer, op.client_id, op.client_secret)
    records = Records(url)
    candidates = {
        "callback": _callback(app, asking),
        "with the database": _exchange(raw, asking, PEOPLE, records),
        "without it": _exchange(raw, asking, PEOPLE * 2),
    }
    spent: dict[str, list[float]] = {each: [] for each in candidates}
    for block in range(blocks + WARM_UP):
        for each in list(candidates)[:: 1 if block % 2 else -1]:
            ready = [candidates[each](block * CALLS + number) for number in range(CALLS)]
            begun = time.perf_counter()
            for work in ready:
                work()
            if block >= WARM_UP:
                spent[each].append((time.perf_counter() - begun) / CALLS * 1000)
    raw.client.close()
    records.close()
    app.auth.resources.clear()
    app.auth.database.dispose()
    ours, kept, bare = (Measured(each, statistics.median(times)) for each, times in spent.items())
    yield Line(f"OpenID callback, certified provider, {name}", CALLBACK_LIMIT, ours, kept)
    yield Line("  beside the exchange without a database", None, ours, bare)


def _callback(app: App, asking: _Asking) -> Callable[[int], Callable[[], object]]:
    known: dict[int, list[str]] = {person: [] for person in range(PEOPLE)}

    def prepare(number: int) -> Callable[[], object]:
        cookie, url = begin(app, number)
        person = number % PEOPLE
        environ = get("/auth/provider/company/callback", "; ".join([cookie, *known[person]]))
        environ["QUERY_STRING"] = urlencode(asking.code(url, person))
        return lambda: body_of(noticing(app, known[person]), environ, "303")

    return prepare


def noticing(app: App, known: list[str]) -> Callable[..., Iterable[bytes]]:
    """The application, and a note of the cookie by which it knows a person's browser again."""

    def call(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], error: object = None) -> object:
            for name, value in headers:
                if name == "Set-Cookie" and value.startswith(f"{app.cookies.device}="):
                    known[:] = [value.partition(";")[0]]
            return start_response(status, headers, error)

        answer: Iterable[bytes] = app(environ, start)
        return answer

    return call


def _exchange(
    raw: Exchange, asking: _Asking, browsers: int, records: Records | None = None
) -> Callable[[int], Callable[[], object]]:
    def prepare(number: int) -> Callable[[], object]:
        verifier = secrets.token_urlsafe(48)
        asked = {
            "response_type": "code",
            "client_id": raw.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "state": "state",
            "nonce": "nonce",
            "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        code = asking.code(str(httpx.URL(raw.authorization_endpoint, params=asked)), browsers + number % PEOPLE)["code"]
        if records is None:
            return lambda: raw.exchange(code, verifier)
        records.begin(verifier)
        return partial(_with_records, raw, records, code, verifier, f"person{number % PEOPLE}")

    return prepare


def _with_records(raw: Exchange, records: Records, code: str, verifier: str, person: str) -> None:
    records.take(verifier)
    raw.exchange(code, verifier)
    records.keep(person)
