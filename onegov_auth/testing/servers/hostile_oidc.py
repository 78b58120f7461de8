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
import ssl
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from html import escape
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from onegov_auth.clock import Clock, utcnow
from onegov_auth.testing.servers.hostile_http import Call, HostileServer, Reply, json_reply
from onegov_auth.testing.servers.hostile_keys import Pair, encoded, make_pair, signed

__all__ = ["ABSENT", "LOGOUT_EVENT", "Call", "HostileOidcProvider", "Pair", "Reply", "make_pair", "signed"]


class _Mark(Enum):
    ABSENT = "absent"


#: Set as a value: the member is left out.
ABSENT: Any = _Mark.ABSENT

#: What makes a logout token one (OpenID Connect Back-Channel Logout §2.4).
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

#: Which scope releases which claims, once ``by_scope`` is set (OpenID Connect Core §5.4).
SCOPES: Mapping[str, tuple[str, ...]] = {
    "profile": ("given_name", "family_name", "groups"),
    "email": ("email", "email_verified"),
}

Forge = Callable[[dict[str, Any], dict[str, Any]], str]


def _changed(right: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**right, **changes}.items() if value is not ABSENT}


class HostileOidcProvider(HostileServer):
    """
    An OpenID provider on loopback.

    Args:
        clock: The time in its tokens.
        client_id: The one client it knows.
        client_secret: That client's secret; empty for a public client.
        tls: Speak TLS by this.

    Attributes:
        metadata, header, claims, token, userinfo: Changes to what is right; :data:`ABSENT` leaves a member out.
        callback: Changes to what the browser brings back.
        logout_header, logout_claims: Changes to the logout token.
        after_logout: Changes to what the browser brings back from the provider's logout.
        refreshed: Changes to the claims of an ID token that a refresh token brings.
        person: The right claims of the person.
        in_id_token: Which of the person's claims are in the ID token.
        by_scope: Whether UserInfo tells only what the scope releases.
        bearer: Where UserInfo takes the access token from: ``header`` or ``body`` (RFC 6750 §2).
        keys: The published keys; the first one signs.
        alg: The signature algorithm.
        forge, forge_logout: Make the ID token or logout token from the right header and claims, if set.
        before_signing: Called before an ID token is made.
        refresh_token: The refresh token that is good now, ``None`` = none is given out; each works once.
    """

    def __init__(
        self,
        clock: Clock = utcnow,
        client_id: str = "example-app",
        client_secret: str = "s3cret",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.clock = clock
        self.client_id = client_id
        self.client_secret = client_secret
        self.metadata: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.token: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.callback: dict[str, Any] = {}
        self.logout_header: dict[str, Any] = {}
        self.logout_claims: dict[str, Any] = {}
        self.after_logout: dict[str, Any] = {}
        self.refreshed: dict[str, Any] = {}
        self.person: dict[str, Any] = {
            "sub": "248289761001",
            "email": "jane@example.org",
            "email_verified": True,
            "given_name": "Jane",
            "family_name": "Doe",
            "groups": ["staff", "app-admins"],
        }
        self.in_id_token: set[str] = set(self.person)
        self.by_scope = False
        self.bearer = "header"
        self.keys: list[Pair] = [make_pair("one")]
        self.alg = "RS256"
        self.forge: Forge | None = None
        self.forge_logout: Forge | None = None
        self.before_signing: Callable[[], None] = lambda: None
        self.refresh_token: str | None = None
        self._codes: dict[str, Mapping[str, str]] = {}
        self._scope = ""
        super().__init__(tls)

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self.address

    def authorize(self, url: str) -> dict[str, str]:
        """Play the browser of somebody who says yes at once: the parameters of the callback."""
        return self._consent(dict(parse_qsl(urlsplit(url).query, strict_parsing=True)))

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
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }
        return _changed(right, self.metadata)

    def right(self, call: Call) -> Reply:
        """The right answer to *call*, with the changes that are set."""
        answers: dict[str, Callable[[Call], Reply]] = {
            "/.well-known/openid-configuration": lambda _: json_reply(self.published()),
            self._jwks_path(): lambda _: json_reply({"keys": [pair.published for pair in self.keys]}),
            "/authorize": self._authorize,
            "/token": self._token,
            "/userinfo": self._userinfo,
            "/logout": self._logout,
        }
        found = answers.get(call.path)
        return found(call) if found is not None else Reply(404)

    def id_token(self, asked: Mapping[str, str]) -> str:
        """The ID token for an authorization request, with the changes that are set."""
        right: dict[str, Any] = {name: self.person[name] for name in sorted(self.in_id_token | {"sub"})}
        right |= self._about(asked["client_id"], 300) | {"nonce": asked["nonce"]}
        return self._made(_changed(right, self.claims), self.header, self.forge)

    def logout_token(self) -> str:
        """A logout token for the person, as the conformance suite makes it, with the changes that are set."""
        right = self._about(self.client_id, 120) | {
            "sub": self.person["sub"],
            "jti": secrets.token_urlsafe(16),
            "events": {LOGOUT_EVENT: {}},
            # Unknown claims are to be ignored.
            "unknown": "claim",
        }
        claims = _changed(right, self.logout_claims)
        return self._made(claims, {"typ": "logout+jwt", **self.logout_header}, self.forge_logout)

    def _about(self, audience: str, lifetime: int) -> dict[str, Any]:
        now = int(self.clock().timestamp())
        return {"iss": self.issuer, "aud": audience, "iat": now, "exp": now + lifetime}

    def _made(self, claims: dict[str, Any], changes: Mapping[str, Any], forge: Forge | None) -> str:
        kid = self.keys[0].published.get("kid", ABSENT)
        header = _changed({"alg": self.alg, "typ": "JWT", "kid": kid}, changes)
        if forge is not None:
            return forge(header, claims)
        return signed(header, json.dumps(claims).encode(), self.keys[0].private)

    def _jwks_path(self) -> str:
        address = self.published().get("jwks_uri")
        return urlsplit(address).path if isinstance(address, str) else "/jwks"

    def _consent(self, asked: Mapping[str, str]) -> dict[str, str]:
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return _changed({"code": code, "state": asked["state"]}, self.callback)

    def _authorize(self, call: Call) -> Reply:
        params = self._consent(call.query)
        back = call.query["redirect_uri"]
        if call.query.get("response_mode") != "form_post":
            return Reply(303, headers={"Location": f"{back}?{urlencode(params)}"})
        fields = "".join(f'<input name="{escape(name)}" value="{escape(params[name])}">' for name in params)
        return _html(f'<form method="post" action="{escape(back)}">{fields}</form>')

    def _token(self, call: Call) -> Reply:
        if not self._knows(call):
            return json_reply({"error": "invalid_client"}, 401)
        if call.form.get("grant_type") == "refresh_token":
            return self._refresh(call.form)
        asked = self._codes.pop(call.form.get("code", ""), None)
        if asked is None or not _belongs(call.form, asked):
            return json_reply({"error": "invalid_grant"}, 400)
        self.before_signing()
        self._scope = asked.get("scope", "")
        return self._tokens(self.id_token(asked))

    def _tokens(self, id_token: str) -> Reply:
        right: dict[str, Any] = {"access_token": "access", "token_type": "Bearer", "expires_in": 300}
        right |= {"id_token": id_token}
        if self.refresh_token is not None:
            right["refresh_token"] = self.refresh_token
        return json_reply(_changed(right, self.token))

    def _refresh(self, form: Mapping[str, str]) -> Reply:
        if self.refresh_token is None or form.get("refresh_token") != self.refresh_token:
            return json_reply({"error": "invalid_grant"}, 400)
        self.refresh_token = secrets.token_urlsafe(16)
        claims = _changed(self._about(self.client_id, 300) | {"sub": self.person["sub"]}, self.refreshed)
        return self._tokens(self._made(claims, self.header, self.forge))

    def _userinfo(self, call: Call) -> Reply:
        given = {"header": call.headers.get("authorization"), "body": f"Bearer {call.form.get('access_token')}"}
        if given[self.bearer] != "Bearer access":
            return Reply(401)
        released = {name for scope in self._scope.split() for name in SCOPES.get(scope, ())} | {"sub"}
        told = {name: value for name, value in self.person.items() if not self.by_scope or name in released}
        return json_reply(_changed(told, self.userinfo))

    def _logout(self, call: Call) -> Reply:
        back = call.query.get("post_logout_redirect_uri")
        if back is None:
            return _html("You are logged out.")
        params = _changed({"state": call.query.get("state", ABSENT)}, self.after_logout)
        query = f"?{urlencode(params)}" if params else ""
        return Reply(303, headers={"Location": f"{back}{query}"})

    def _knows(self, call: Call) -> bool:
        basic = call.headers.get("authorization", "")
        if basic.startswith("Basic "):
            client_id, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            return (unquote_plus(client_id), unquote_plus(secret)) == (self.client_id, self.client_secret)
        given = (call.form.get("client_id"), call.form.get("client_secret", ""))
        return given == (self.client_id, self.client_secret)


def _belongs(form: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    return (
        form.get("grant_type") == "authorization_code"
        and form.get("redirect_uri") == asked["redirect_uri"]
        and encoded(digest) == asked["code_challenge"]
        and asked["code_challenge_method"] == "S256"
    )


def _html(body: str) -> Reply:
    pieces: Iterable[bytes] = [f"<!doctype html><title>Provider</title>{body}".encode()]
    return Reply(200, pieces, {"Content-Type": "text/html; charset=utf-8"})
