"""
The quickest OpenID provider there can be, in a process of its own: ``python -m benchmarks.oidc_op``.

Its token endpoint signs the ID token, as every provider's does, and nothing of a request is checked; it prints its
address when it listens, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections import Counter
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

__all__: list[str] = []


class Provider:
    """What is published, and what is to be signed when its code comes."""

    def __init__(self) -> None:
        self.issuer = ""
        self.calls: Counter[str] = Counter()
        self._key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)
        self._ready: dict[str, bytes] = {}

    def answer(self, target: str, body: bytes) -> bytes:
        """The body of the answer."""
        url = urlsplit(target)
        self.calls[url.path] += 1
        if url.path == "/token":
            return self._tokens(self._ready.pop(parse_qs(body.decode())["code"][0]))
        if url.path == "/authorize":
            return self._authorize({name: values[0] for name, values in parse_qs(url.query).items()})
        return json.dumps(self._published(url.path)).encode()

    def _published(self, path: str) -> object:
        if path == "/jwks":
            return {"keys": [self._key.as_dict(private=False)]}
        if path == "/calls":
            return self.calls
        endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        return {"issuer": self.issuer} | {name: f"{self.issuer}/{path}" for name, path in endpoints.items()}

    def _authorize(self, asked: dict[str, str]) -> bytes:
        now, sub, code = int(time.time()), asked["sub"], secrets.token_urlsafe(16)
        claims = {"iss": self.issuer, "aud": asked["client_id"], "sub": sub, "iat": now, "exp": now + 600}
        claims |= {"nonce": asked["nonce"], "email": f"{sub}@example.org", "email_verified": True}
        claims |= {"given_name": "Some", "family_name": "Body", "groups": ["staff"]}
        self._ready[code] = json.dumps(claims).encode()
        return json.dumps({"code": code, "state": asked["state"]}).encode()

    def _tokens(self, claims: bytes) -> bytes:
        token = jws.serialize_compact({"alg": "RS256", "kid": "one"}, claims, self._key)
        tokens = {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token}
        return json.dumps(tokens).encode()


class Connection(asyncio.Protocol):
    """One kept connection; HTTP as far as the two sides of a benchmark need it."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        self._read += data
        head, found, rest = self._read.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        if not found or len(rest) < length:
            return
        self._read = rest[length:]
        method, target, _ = head.split(b" ", 2)
        body = self._provider.answer(target.decode(), rest[:length])
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        transport = self._transport
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(head if method == b"HEAD" else head + body)


async def main() -> None:
    """Serve until standard input ends."""
    provider, loop = Provider(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(provider), "127.0.0.1", 0)
    provider.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(provider.issuer, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
