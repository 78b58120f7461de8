"""ID tokens whose signature or header deviates; afterwards nothing more may be asked of the provider."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Refused, VerifiedIdentity
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, make_pair, signed
from onegov_auth_oidc import OIDCProvider

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def refused_by(rule: str, outcome: object, op: HostileOidcProvider) -> bool:
    """Whether the login was refused by that rule, and nothing was asked after the token endpoint but for keys."""
    asked_after = op.paths()[op.paths().index("/token") + 1 :]
    assert set(asked_after) <= {"/jwks"}, asked_after
    assert isinstance(outcome, Refused), outcome
    return outcome.code == f"invalid_id_token_{rule}"


@pytest.mark.sec("OIDC-10", "OIDCX-09", "ASVS-9.1.2", "AUTHLIB-04")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None, ABSENT, ["RS256"]], ids=str)
def test_an_unsigned_token_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn, alg: object) -> None:
    """Whatever an unsigned token calls its algorithm, it is refused, and no key is asked for."""

    def forge(header: dict[str, Any], claims: dict[str, Any]) -> str:
        head = {**header, "alg": alg} if alg is not ABSENT else {"typ": "JWT"}
        return f"{encoded(json.dumps(head).encode())}.{encoded(json.dumps(claims).encode())}."

    op.forge = forge

    assert refused_by("alg", log_in(make()), op)
    assert "/jwks" not in op.paths()


@pytest.mark.sec("OIDC-11", "ASVS-9.1.1")
@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "no-base64"])
def test_a_damaged_signature_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn, how: str) -> None:
    """A signature that is not the right one is refused, in code flow too."""

    def forge(header: dict[str, Any], claims: dict[str, Any]) -> str:
        head, payload, signature = signed(header, json.dumps(claims).encode(), op.keys[0].private).split(".")
        other = "B" if signature[0] == "A" else "A"
        damaged = {"flipped": other + signature[1:], "cut": signature[:-8], "empty": "", "no-base64": "!!!!"}[how]
        return f"{head}.{payload}.{damaged}"

    op.forge = forge

    assert refused_by("signature", log_in(make()), op)


@pytest.mark.sec("OIDC-11")
def test_a_changed_payload_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """The signature covers what is read."""

    def forge(header: dict[str, Any], claims: dict[str, Any]) -> str:
        head, _, signature = signed(header, json.dumps(claims).encode(), op.keys[0].private).split(".")
        return f"{head}.{encoded(json.dumps({**claims, 'sub': 'admin'}).encode())}.{signature}"

    op.forge = forge

    assert refused_by("signature", log_in(make()), op)


@pytest.mark.sec("OIDC-13")
@pytest.mark.parametrize(("alg", "kind"), [("ES256", "EC"), ("PS256", "RSA"), ("EdDSA", "OKP")])
def test_other_algorithms_are_checked_alike(
    op: HostileOidcProvider, make: Make, log_in: LogIn, alg: str, kind: str
) -> None:
    """Each algorithm that can be pinned accepts a right signature and refuses a wrong one."""
    op.keys, op.alg = [make_pair("one", kind)], alg
    provider = make(id_token_alg=alg)
    assert isinstance(log_in(provider), VerifiedIdentity)

    op.calls.clear()
    op.forge = lambda header, claims: signed(header, json.dumps(claims).encode(), make_pair("one", kind, 1).private)

    assert refused_by("signature", log_in(provider), op)


def test_ed25519_is_another_name_for_eddsa(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """The name of RFC 9864 means the same signature."""
    op.keys, op.alg = [make_pair("one", "OKP", alg="Ed25519")], "Ed25519"

    assert isinstance(log_in(make(id_token_alg="EdDSA")), VerifiedIdentity)


@pytest.mark.sec("OIDCX-18")
def test_a_foreign_key_under_the_right_id_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A well-formed token with the right key id, signed by another key, is refused."""
    op.forge = lambda header, claims: signed(header, json.dumps(claims).encode(), make_pair("x", number=1).private)

    assert refused_by("signature", log_in(make()), op)


@pytest.mark.sec("OIDCX-08", "ASVS-9.1.2", "AUTHLIB-04")
@pytest.mark.parametrize(("pinned", "signs", "kind"), [("RS256", "PS256", "RSA"), ("ES256", "RS256", "RSA")])
def test_the_algorithm_is_pinned(
    op: HostileOidcProvider, make: Make, log_in: LogIn, pinned: str, signs: str, kind: str
) -> None:
    """A good signature by another algorithm is refused, even if the metadata lists it."""
    op.metadata = {"id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "none"]}
    op.keys, op.alg = [make_pair("one", kind)], signs

    assert refused_by("alg", log_in(make(id_token_alg=pinned)), op)


@pytest.mark.sec("OIDC-12", "OIDCX-22", "OIDCX-23", "ASVS-9.1.2")
@pytest.mark.parametrize("secret", ["jwk", "modulus", "empty", "client"])
def test_a_mac_is_no_signature(op: HostileOidcProvider, make: Make, log_in: LogIn, secret: str) -> None:
    """A MAC under something public, empty or shared is refused: the algorithm is not symmetric."""
    public = op.keys[0].published
    keys = {"jwk": json.dumps(public), "modulus": public["n"], "empty": "", "client": op.client_secret}

    def forge(header: dict[str, Any], claims: dict[str, Any]) -> str:
        head = encoded(json.dumps({**header, "alg": "HS256"}).encode())
        signing_input = f"{head}.{encoded(json.dumps(claims).encode())}"
        mac = hmac.digest(keys[secret].encode(), signing_input.encode(), "sha256")
        return f"{signing_input}.{encoded(mac)}"

    op.forge = forge

    assert refused_by("alg", log_in(make()), op)


@pytest.mark.sec("OIDCX-20", "ASVS-9.1.3")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_in_the_header_is_not_believed(op: HostileOidcProvider, make: Make, log_in: LogIn, member: str) -> None:
    """A token that brings or points to its own key is checked with the published one, and nothing is fetched."""
    own = make_pair("one", number=1)
    brings = {"jwk": own.published, "jku": f"{op.issuer}/own", "x5u": f"{op.issuer}/own", "x5c": ["MII="]}
    op.forge = lambda header, claims: signed(
        {**header, member: brings[member]}, json.dumps(claims).encode(), own.private
    )

    assert refused_by("signature", log_in(make()), op)


@pytest.mark.sec("OIDCX-21")
@pytest.mark.parametrize("header", [{"crit": ["x"], "x": 1}, {"crit": []}, {"crit": ["b64"], "b64": True}, {"b64": 1}])
def test_a_critical_header_is_refused(
    op: HostileOidcProvider, make: Make, log_in: LogIn, header: dict[str, object]
) -> None:
    """What is called critical is not understood, so the token is refused (RFC 7515 §4.1.11)."""
    op.header = header

    assert refused_by("crit", log_in(make()), op)


@pytest.mark.sec("OIDCX-29")
def test_a_large_header_is_refused_though_it_is_signed(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """More than a chain of certificates is in no header, and is not decoded; no key is asked for."""
    op.header = {"x-padding": "a" * 9000}

    assert refused_by("format", log_in(make()), op)
    assert "/jwks" not in op.paths()


@pytest.mark.sec("OIDCX-30", "ASVS-9.2.2")
@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "application/at+jwt", "", 1])
def test_another_kind_of_token_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn, typ: object) -> None:
    """An access or logout token is no ID token, whatever is in it."""
    op.header = {"typ": typ}

    assert refused_by("typ", log_in(make()), op)


@pytest.mark.parametrize("typ", [ABSENT, "jwt", "application/JWT"], ids=["absent", "lower", "long"])
def test_the_type_may_be_left_out(op: HostileOidcProvider, make: Make, log_in: LogIn, typ: object) -> None:
    """A type that says nothing else is accepted, and unknown header members are ignored."""
    op.header = {"typ": typ, "x-unknown": 1}

    assert isinstance(log_in(make()), VerifiedIdentity)


@pytest.mark.parametrize("kid", [1, None, ["one"]], ids=repr)
def test_a_key_id_that_is_no_text_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn, kid: object) -> None:
    """A key id is text."""
    op.header = {"kid": kid}

    assert refused_by("kid", log_in(make()), op)
