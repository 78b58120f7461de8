"""
An OpenID provider that deviates by one detail at a time, and remembers every call.

It plays the other side of the OpenID conformance suite: a test changes one detail, lets the relying
party log in, and looks at ``calls`` for what it did afterwards ("no further call"). Left alone it is a
correct provider: it checks the client, the redirect URI and the PKCE verifier, and a code works once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from onegov_auth.clock import Clock, utcnow

__all__ = ["ABSENT", "Call", "HostileOidcProvider", "Pair", "Reply", "make_pair", "signed"]


class _Mark(Enum):
    ABSENT = "absent"


#: Set as a value: the member is left out.
ABSENT: Any = _Mark.ABSENT


@dataclass(frozen=True, slots=True)
class Call:
    """A request that arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """
    An answer in place of the right one.

    Attributes:
        status: The HTTP status.
        body: What follows, piece by piece.
        headers: More headers.
        delay: Seconds before each piece, and before the first byte.
    """

    status: int = 200
    body: Iterable[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A key that signs, and what is published of it."""

    private: Key
    published: dict[str, Any]


def make_pair(kid: str | None, kind: str = "RSA", number: int = 0, **published: Any) -> Pair:
    """
    A key pair.

    Args:
        kid: Its published id, if any.
        kind: ``RSA``, ``EC`` or ``OKP``.
        number: Another number is another key; the same one is made only once, because RSA keys take their time.
        published: More members of the published key.
    """
    private = _private(kind, number)
    members: dict[str, Any] = {**private.as_dict(private=False), "use": "sig", **published}
    members.pop("kid", None)
    return Pair(private, members if kid is None else {**members, "kid": kid})


@lru_cache(maxsize=64)
def _private(kind: str, number: int) -> Key:
    del number  # part of the cache's key only
    if kind == "RSA":
        return RSAKey.generate_key(2048)
    return ECKey.generate_key("P-256") if kind == "EC" else OKPKey.generate_key("Ed25519")


def signed(header: Mapping[str, Any], payload: bytes, key: Key) -> str:
    """Any payload under any header, signed by the algorithm the header names; nothing of it is checked."""
    signing_input = f"{_encoded(json.dumps(header).encode())}.{_encoded(payload)}"
    signature = jws.JWSRegistry.algorithms[header["alg"]].sign(signing_input.encode(), key)
    return f"{signing_input}.{_encoded(signature)}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _changed(right: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**right, **changes}.items() if value is not ABSENT}


class HostileOidcProvider:
    """
    An OpenID provider on loopback.

    Args:
        clock: The time in its tokens.
        client_id: The one client it knows.
        client_secret: That client's secret; empty for a public client.

    Attributes:
        calls: What arrived, in order; cleared by the test when it likes.
        metadata, header, claims, token, userinfo: Changes to what is right; :data:`ABSENT` leaves a member out.
        person: The right claims of the person.
        in_id_token: Which of the person's claims are in the ID token.
        keys: The published keys; the first one signs.
        alg: The signature algorithm.
        forge: Makes the ID token from the right header and claims, if set.
        replies: Path to an answer in place of the right one.
        before_signing: Called before an ID token is made.
    """

    def __init__(self, clock: Clock = utcnow, client_id: str = "example-app", client_secret: str = "s3cret") -> None:
        self.clock = clock
        self.client_id = client_id
        self.client_secret = client_secret
        self.calls: list[Call] = []
        self.metadata: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.token: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.person: dict[str, Any] = {
            "sub": "248289761001",
            "email": "jane@example.org",
            "email_verified": True,
            "given_name": "Jane",
            "family_name": "Doe",
            "groups": ["staff", "app-admins"],
        }
        self.in_id_token: set[str] = set(self.person)
        self.keys: list[Pair] = [make_pair("one")]
        self.alg = "RS256"
        self.forge: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
        self.replies: dict[str, Reply] = {}
        self.before_signing: Callable[[], None] = lambda: None
        self._codes: dict[str, Mapping[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening; the address is refused from now on."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def paths(self) -> list[str]:
        """The paths that were asked for, in order, without the question whether it is there at all (``HEAD``)."""
        return [call.path for call in self.calls if call.method != "HEAD"]

    def call(self, path: str) -> Call:
        """The last request for *path*."""
        return next(call for call in reversed(self.calls) if call.path == path)

    def authorize(self, url: str) -> dict[str, str]:
        """Play the browser of somebody who says yes at once: the parameters of the callback."""
        asked = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def published(self) -> dict[str, Any]:
        """The metadata document."""
        right = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }
        return _changed(right, self.metadata)

    def answer(self, call: Call) -> Reply:
        """The answer to *call*."""
        self.calls.append(call)
        if call.path in self.replies:
            return self.replies[call.path]
        answers: dict[str, Callable[[Call], Reply]] = {
            "/.well-known/openid-configuration": lambda _: _json(self.published()),
            "/jwks": lambda _: _json({"keys": [pair.published for pair in self.keys]}),
            "/token": self._token,
            "/userinfo": self._userinfo,
        }
        found = answers.get(call.path)
        return found(call) if found is not None else Reply(404)

    def _token(self, call: Call) -> Reply:
        if not self._knows(call):
            return _json({"error": "invalid_client"}, 401)
        asked = self._codes.pop(call.form.get("code", ""), None)
        if asked is None or not _belongs(call.form, asked):
            return _json({"error": "invalid_grant"}, 400)
        self.before_signing()
        right = {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": self.id_token(asked)}
        return _json(_changed(right, self.token))

    def id_token(self, asked: Mapping[str, str]) -> str:
        """The ID token for an authorization request, with the changes that are set."""
        now = int(self.clock().timestamp())
        right: dict[str, Any] = {name: self.person[name] for name in sorted(self.in_id_token | {"sub"})}
        right |= {"iss": self.issuer, "aud": asked["client_id"], "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        kid = self.keys[0].published.get("kid", ABSENT)
        header = _changed({"alg": self.alg, "typ": "JWT", "kid": kid}, self.header)
        claims = _changed(right, self.claims)
        if self.forge is not None:
            return self.forge(header, claims)
        return signed(header, json.dumps(claims).encode(), self.keys[0].private)

    def _userinfo(self, call: Call) -> Reply:
        if call.headers.get("authorization") != "Bearer access":
            return Reply(401)
        return _json(_changed(self.person, self.userinfo))

    def _knows(self, call: Call) -> bool:
        basic = call.headers.get("authorization", "")
        if basic.startswith("Basic "):
            client_id, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            return (unquote_plus(client_id), unquote_plus(secret)) == (self.client_id, self.client_secret)
        given = (call.form.get("client_id"), call.form.get("client_secret", ""))
        return given == (self.client_id, self.client_secret)


def _belongs(form: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = _encoded(digest)
    return (
        form.get("grant_type") == "authorization_code"
        and form.get("redirect_uri") == asked["redirect_uri"]
        and challenge == asked["code_challenge"]
        and asked["code_challenge_method"] == "S256"
    )


def _json(content: Mapping[str, Any], status: int = 200) -> Reply:
    return Reply(status, [json.dumps(content).encode()], {"Content-Type": "application/json"})


def _handler(provider: HostileOidcProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Hands each request to the provider; closes the connection after each, so that none outlives ``close``."""

        def do_GET(self) -> None:
            self._serve({})

        def do_HEAD(self) -> None:
            self._serve({})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            self._serve(dict(parse_qsl(text, keep_blank_values=True)))

        def _serve(self, form: Mapping[str, str]) -> None:
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = provider.answer(Call(self.command, url.path, dict(parse_qsl(url.query)), form, headers))
            try:
                self._send(reply)
            except OSError:
                # The relying party had enough, which is what some tests wait for.
                self.close_connection = True

        def _send(self, reply: Reply) -> None:
            time.sleep(reply.delay)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in reply.body if self.command != "HEAD" else ():
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(reply.delay)

        def log_message(self, *_: object) -> None:
            """Say nothing: the test looks at ``calls``."""

    return Handler
