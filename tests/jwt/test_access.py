from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from onegov_auth.jwt import AccessTokens, SigningKeys
from onegov_auth.jwt.keys import Registry
from onegov_auth.settings.delivery import JWT
from onegov_auth.testing.clock import FakeClock

SESSION = UUID(int=1)
ISSUER, AUDIENCE = "https://app.example.org", "main/app"


def signed(keys: SigningKeys, claims: dict[str, Any], **head: Any) -> str:
    """A token with our own signature and whatever else."""
    name, key = keys.signing()
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": name, **head}
    registry = Registry(algorithms=["EdDSA"], strict_check_header=False)
    return jwt.encode({k: v for k, v in header.items() if v is not None}, claims, key.key, registry=registry)


@pytest.fixture(name="claims")
def _claims(clock: FakeClock) -> dict[str, Any]:
    """Those of a good token."""
    now = int(clock().timestamp())
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "ab", "sid": SESSION.hex, "iat": now, "exp": now + 600}


def test_round_trip(access: AccessTokens) -> None:
    """Session, user and scope come back; no scope is something else than an empty one."""
    found = access.read(access.issue(SESSION, "ab"))
    assert found is not None
    assert (found.session_id, found.uid, found.scope) == (SESSION, "ab", None)
    narrow = access.read(access.issue(SESSION, "ab", ["b", "a"]))
    assert narrow is not None
    assert narrow.scope == frozenset("ab")
    nothing = access.read(access.issue(SESSION, "ab", []))
    assert nothing is not None
    assert nothing.scope == frozenset()


@pytest.mark.sec("ASVS-9.2.1")
def test_time(access: AccessTokens, keys: SigningKeys, claims: dict[str, Any], clock: FakeClock) -> None:
    """Good from ``nbf`` to just before ``exp``."""
    now = int(clock().timestamp())
    assert access.read(signed(keys, {**claims, "nbf": now})) is not None
    assert access.read(signed(keys, {**claims, "nbf": now + 1})) is None
    assert access.read(signed(keys, {**claims, "exp": now + 1})) is not None
    assert access.read(signed(keys, {**claims, "exp": now})) is None


@pytest.mark.sec("ASVS-9.2.2", "ASVS-9.2.3", "ASVS-9.2.4", "ASVS-10.3.1", "ASVS-10.3.3")
@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "other/app"},
        {"aud": [AUDIENCE, "other/app"]},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": True},
        {"nbf": "0"},
        {"sid": None},
        {"sid": 1},
        {"sid": "x"},
        {"sub": None},
        {"scope": ["a"]},
    ],
    ids=str,
)
def test_claims_of_another_kind(
    access: AccessTokens, keys: SigningKeys, claims: dict[str, Any], changed: dict[str, Any]
) -> None:
    """Another issuer or audience, no end, no session, no user, or a claim of a wrong type: nobody's, if well signed."""
    assert access.read(signed(keys, claims)) is not None
    assert access.read(signed(keys, {**claims, **changed})) is None


@pytest.mark.sec("ASVS-9.2.2")
@pytest.mark.parametrize("kind", ["JWT", "onegov-auth+jwt", "logout+jwt", "id+jwt", None, ""])
def test_another_type(access: AccessTokens, keys: SigningKeys, claims: dict[str, Any], kind: str | None) -> None:
    """A token that we signed for something else is no access token; the type may be written in full."""
    assert access.read(signed(keys, claims, typ=kind)) is None
    assert access.read(signed(keys, claims, typ="application/at+jwt")) is not None


@pytest.mark.sec("ASVS-9.1.3")
@pytest.mark.parametrize(
    "head", [{"kid": "unknown"}, {"kid": None}, {"kid": 1}, {"kid": "../../etc/passwd"}, {"crit": ["x"], "x": 1}]
)
def test_unknown_keys(access: AccessTokens, keys: SigningKeys, claims: dict[str, Any], head: dict[str, Any]) -> None:
    """A key that isn't in our table is none, and what must be understood and isn't makes the token none."""
    name, key = keys.signing()
    raw = {"alg": "EdDSA", "typ": "at+jwt", "kid": name, **head}
    parts = [_part({k: v for k, v in raw.items() if v is not None}), _part(claims)]
    token = signed(keys, claims)
    assert access.read(".".join([*parts, token.rpartition(".")[2]])) is None
    assert key is not None


@pytest.mark.sec("ASVS-9.1.3")
@pytest.mark.parametrize("name", ["jku", "x5u", "jwk"])
def test_keys_that_a_token_brings_along(
    access: AccessTokens, keys: SigningKeys, claims: dict[str, Any], name: str
) -> None:
    """They are not looked at: no address is fetched, no signature is verified with them."""
    mine = OKPKey.generate_key("Ed25519")
    brought = mine.as_dict(private=False) if name == "jwk" else "https://evil.example/keys"
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": keys.signing()[0], name: brought}
    forged = jwt.encode(header, claims, mine, registry=Registry(algorithms=["EdDSA"]))

    assert access.read(forged) is None


@pytest.mark.sec("ASVS-9.1.1", "ASVS-9.1.2")
def test_other_algorithms(access: AccessTokens, keys: SigningKeys, claims: dict[str, Any]) -> None:
    """No signature, or one by HMAC with the public key as its secret, is none."""
    name, key = keys.signing()
    public = json.dumps(key.key.as_dict(private=False))
    head = {"typ": "at+jwt", "kid": name}
    none = f"{_part({**head, 'alg': 'none'})}.{_part(claims)}."
    hmac = jwt.encode({**head, "alg": "HS256"}, claims, OctKey.import_key(public.encode()), algorithms=["HS256"])

    assert access.read(none) is None
    assert access.read(hmac) is None


@pytest.mark.sec("ASVS-9.1.1", "TOK-07")
@pytest.mark.parametrize(
    "token", ["", "..", "a.b.c", "é.é.é", "e30.e30.e30", "x" * 9000, "\x00.\x00.\x00", "W10.W10.W10"]
)
def test_nonsense(access: AccessTokens, token: str) -> None:
    """Whatever it is, it is nobody's."""
    assert access.read(token) is None


@pytest.mark.sec("ASVS-9.1.1")
def test_changed_tokens(access: AccessTokens, claims: dict[str, Any]) -> None:
    """Other claims below the same signature are none."""
    head, _, signature = access.issue(SESSION, "ab").split(".")
    assert access.read(f"{head}.{_part({**claims, 'sub': 'cd'})}.{signature}") is None


@pytest.mark.sec("ASVS-8.4.1")
def test_another_applications_token(
    access: AccessTokens, make_keys: Callable[..., SigningKeys], clock: FakeClock
) -> None:
    """A token of another application in the same database is none."""
    other = AccessTokens(make_keys(application="other/app"), JWT(), issuer=ISSUER, audience=AUDIENCE, clock=clock)
    assert access.read(other.issue(SESSION, "ab")) is None


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
