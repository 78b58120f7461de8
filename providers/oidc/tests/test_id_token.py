"""ID tokens that deviate in one detail; afterwards nothing more may be asked of the provider."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.providers import Refused, VerifiedIdentity
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, make_pair, signed
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.id_token import CLAIM_RULES

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]

WEEK = timedelta(days=7)


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def refused_by(rule: str, outcome: object, op: HostileOidcProvider) -> bool:
    """Whether the login was refused by that rule, and nothing was asked after the token endpoint but for keys."""
    asked_after = op.paths()[op.paths().index("/token") + 1 :]
    assert set(asked_after) <= {"/jwks"}, asked_after
    assert isinstance(outcome, Refused), outcome
    return outcome.code == f"invalid_id_token_{rule}"


@pytest.mark.sec("OIDC-01", "OIDC-09", "OIDCX-07")
@pytest.mark.parametrize("audience", ["example-app", ["example-app"]], ids=["text", "list"])
def test_a_right_token_is_accepted(op: HostileOidcProvider, make: Make, log_in: LogIn, audience: object) -> None:
    """A right RS256 token logs in, with the audience as text or list."""
    op.claims = {"aud": audience}
    outcome = log_in(make())

    assert isinstance(outcome, VerifiedIdentity), outcome
    assert (outcome.issuer, outcome.source_id) == (op.issuer, "248289761001")


MUTATIONS = [
    pytest.param("iss", "{issuer}1", "iss", marks=pytest.mark.sec("OIDC-02", "ASVS-9.2.4"), id="iss-suffix"),
    pytest.param("iss", ABSENT, "iss", marks=pytest.mark.sec("OIDCX-01", "AUTHLIB-01"), id="iss-absent"),
    pytest.param("iss", ["{issuer}"], "iss", marks=pytest.mark.sec("OIDCX-01"), id="iss-list"),
    pytest.param("sub", ABSENT, "sub", marks=pytest.mark.sec("OIDC-03"), id="sub-absent"),
    pytest.param("aud", "example-app1", "aud", marks=pytest.mark.sec("OIDC-04", "ASVS-10.5.4"), id="aud-suffix"),
    pytest.param("aud", ABSENT, "aud", marks=pytest.mark.sec("OIDC-05"), id="aud-absent"),
    pytest.param("aud", [], "aud", marks=pytest.mark.sec("OIDC-05"), id="aud-empty"),
    pytest.param("aud", ["example-app", "other"], "aud", marks=pytest.mark.sec("OIDCX-06"), id="aud-second"),
    pytest.param("azp", "other", "azp", marks=pytest.mark.sec("AUTHLIB-02"), id="azp-other"),
    pytest.param("azp", None, "azp", marks=pytest.mark.sec("AUTHLIB-02"), id="azp-null"),
    pytest.param("iat", ABSENT, "iat", marks=pytest.mark.sec("OIDC-06"), id="iat-absent"),
    pytest.param("exp", ABSENT, "exp", marks=pytest.mark.sec("OIDCX-02"), id="exp-absent"),
    pytest.param("nonce", "{nonce}1", "nonce", marks=pytest.mark.sec("OIDC-17", "ASVS-10.5.1"), id="nonce-suffix"),
    pytest.param("nonce", ABSENT, "nonce", marks=pytest.mark.sec("OIDCX-05"), id="nonce-absent"),
    pytest.param("nonce", 1, "nonce", marks=pytest.mark.sec("OIDCX-05"), id="nonce-number"),
    pytest.param("at_hash", "wrong", "at_hash", marks=pytest.mark.sec("OIDC-23", "OAUTH-17"), id="at_hash-wrong"),
    pytest.param("at_hash", None, "at_hash", marks=pytest.mark.sec("OIDC-23"), id="at_hash-null"),
    pytest.param("events", {}, "events", marks=pytest.mark.sec("OIDCX-30", "ASVS-9.2.2"), id="logout-token"),
]


@pytest.mark.parametrize(("claim", "value", "rule"), MUTATIONS)
def test_a_wrong_claim_is_refused(
    op: HostileOidcProvider, make: Make, log_in: LogIn, claim: str, value: object, rule: str
) -> None:
    """One wrong or missing claim is a refusal that names the rule."""

    def forge(header: dict[str, Any], claims: dict[str, Any]) -> str:
        text = json.dumps(value) if value is not ABSENT else ""
        for name in ("issuer", "nonce"):
            text = text.replace(f"{{{name}}}", claims["iss"] if name == "issuer" else claims[name])
        changed = {**claims, claim: json.loads(text)} if text else {k: v for k, v in claims.items() if k != claim}
        return signed(header, json.dumps(changed).encode(), op.keys[0].private)

    op.forge = forge

    assert refused_by(rule, log_in(make()), op)


@pytest.mark.sec("OIDCX-24", "AUTHLIB-09")
def test_a_token_cannot_do_without_its_nonce(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A token that says it knows no nonce is still asked for it (CVE-2026-114617)."""
    op.claims = {"nonce": ABSENT, "nonce_supported": False}

    assert refused_by("nonce", log_in(make()), op)


@pytest.mark.sec("OIDCX-25", "AUTHLIB-02")
def test_azp_does_not_make_up_for_the_audience(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A token for somebody else is refused, though it was asked for by us."""
    op.claims = {"aud": "other", "azp": "example-app"}

    assert refused_by("aud", log_in(make()), op)


@pytest.mark.parametrize("azp", ["example-app", ABSENT], ids=["ours", "absent"])
def test_a_right_azp_is_accepted(op: HostileOidcProvider, make: Make, log_in: LogIn, azp: object) -> None:
    """The authorized party may be named, if it is us."""
    op.claims = {"azp": azp}

    assert isinstance(log_in(make()), VerifiedIdentity)


AWRY = ["1700000000", True, None, -1, [], {}, 1e300, 10**400, float("nan"), float("inf")]


@pytest.mark.sec("OIDCX-28")
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", AWRY, ids=repr)
def test_a_time_that_is_none_is_refused(
    op: HostileOidcProvider, make: Make, log_in: LogIn, claim: str, value: object
) -> None:
    """Text, truth values, NaN and numbers beyond all calendars are refused, and nothing breaks."""
    op.claims = {claim: value}
    outcome = log_in(make())

    assert isinstance(outcome, Refused)
    assert outcome.code in {f"invalid_id_token_{claim}", "invalid_id_token_payload"}


@pytest.mark.sec("OIDCX-03", "OIDCX-04", "ASVS-9.2.1", "AUTHLIB-07")
@pytest.mark.parametrize(
    ("claim", "accepted", "refused"),
    [
        ("exp", -59, -60),
        ("exp", 300, -301),
        ("iat", 60, 61),
        ("iat", -659, -660),
        ("iat", 0, -WEEK.total_seconds()),
        ("nbf", 60, 61),
    ],
)
def test_times_hold_to_the_second(
    op: HostileOidcProvider, make: Make, log_in: LogIn, claim: str, accepted: float, refused: float
) -> None:
    """Expiry, age and beginning are compared with a leeway of 60 seconds, and the age is at most ten minutes."""
    provider, now = make(), op.clock().timestamp()
    op.claims = {claim: now + accepted}
    assert isinstance(log_in(provider), VerifiedIdentity)

    op.calls.clear()
    op.claims = {claim: now + refused}

    assert refused_by(claim, log_in(provider), op)


def test_the_leeway_is_the_configured_one(op: HostileOidcProvider, make: Make, log_in: LogIn, clock: FakeClock) -> None:
    """Without leeway an ID token ends with its last second."""
    op.claims = {"exp": clock().timestamp()}

    assert refused_by("exp", log_in(make(leeway="0s")), op)


@pytest.mark.sec("OIDCX-27", "LINK-15")
@pytest.mark.parametrize("sub", ["", " ", "x" * 256, 7, None, ["x"], "a\x00b", "\ud800"], ids=ascii)
def test_a_subject_that_names_nobody_is_refused(
    op: HostileOidcProvider, make: Make, log_in: LogIn, sub: object
) -> None:
    """An empty, overlong, unprintable or other than textual subject is no key."""
    op.claims = {"sub": sub}

    assert refused_by("sub", log_in(make()), op)


def test_a_subject_may_have_255_characters(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """The longest subject the standard allows is a key."""
    op.person["sub"] = "x" * 255

    assert isinstance(log_in(make()), VerifiedIdentity)


@pytest.mark.sec("OIDCX-28")
@pytest.mark.parametrize("sid", ["", "a\x00b", "\ud800", "x" * 256], ids=lambda sid: ascii(sid)[:20])
def test_a_session_that_cannot_be_kept_is_refused(
    op: HostileOidcProvider, make: Make, log_in: LogIn, sid: object
) -> None:
    """The provider's name of its session goes into a table, which not every text fits into."""
    op.claims = {"sid": sid}

    assert refused_by("sid", log_in(make()), op)


@pytest.mark.parametrize(
    ("sid", "kept"), [("s" * 255, "s" * 255), (7, None), (None, None), (ABSENT, None)], ids=lambda sid: ascii(sid)[:20]
)
def test_a_session_that_has_a_name(
    op: HostileOidcProvider, make: Make, log_in: LogIn, sid: object, kept: str | None
) -> None:
    """It is kept if it is text; a provider that names none logs people in all the same."""
    op.claims = {"sid": sid}

    assert log_in(make()).authn.session_id == kept


@pytest.mark.sec("OIDC-23", "OAUTH-17")
@pytest.mark.parametrize(("alg", "kind", "digest"), [("RS256", "RSA", "sha256"), ("EdDSA", "OKP", "sha512")])
def test_a_right_at_hash_is_accepted(
    op: HostileOidcProvider, make: Make, log_in: LogIn, alg: str, kind: str, digest: str
) -> None:
    """The left half of the access token's hash, by the hash that belongs to the algorithm."""
    op.keys, op.alg = [make_pair("one", kind)], alg
    half = hashlib.new(digest, b"access").digest()
    op.claims = {"at_hash": encoded(half[: len(half) // 2])}

    assert isinstance(log_in(make(id_token_alg=alg)), VerifiedIdentity)


@pytest.mark.sec("ASVS-10.3.4", "AUTHLIB-08")
@pytest.mark.parametrize(("acr", "accepted"), [("gold", True), ("bronze", False), (ABSENT, False), (["gold"], False)])
def test_a_demanded_acr_is_checked(
    op: HostileOidcProvider, make: Make, log_in: LogIn, acr: object, accepted: bool
) -> None:
    """Who demands an authentication class is not content with asking for it."""
    op.claims = {"acr": acr}
    outcome = log_in(make(acr=["gold", "silver"]))

    assert isinstance(outcome, VerifiedIdentity) is accepted
    assert accepted or refused_by("acr", outcome, op)


@pytest.mark.parametrize(
    ("claim", "value", "told"),
    [
        ("acr", "silver", "acr: the token has 'silver'"),
        ("acr", ABSENT, "acr: the token has none"),
        ("aud", ["a", "b\n\ud800"], "aud: the token has ['a', 'b\\n\\ud800']"),
        ("iss", "x" * 300, f"iss: the token has '{'x' * 199}"),
        ("nonce", "stolen", "nonce"),
        ("sub", "", "sub"),
    ],
)
def test_what_was_wrong_is_in_the_log(
    op: HostileOidcProvider, make: Make, log_in: LogIn, claim: str, value: object, told: str
) -> None:
    """An operator sees what the token has, in one line, but nothing of the person and no value that is secret."""
    op.claims = {claim: value}

    assert log_in(make(acr=["gold"])).steps[-1].detail == told


# --- the signature and its header ---


GARBAGE = {
    "empty parts": "..",
    "no parts": "x",
    "two parts": "a.b",
    "five parts": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIiwiemlwIjoiREVGIn0.a.b.c.d",
    "many parts": "." * 1000,
    "not ascii": "ü.ü.ü",
    "surrogate": "\ud800.a.b",
    "header no base64": "!.a.b",
    "header no json": f"{encoded(b'x')}.a.b",
    "header list": f"{encoded(b'[1]')}.a.b",
    "header nested": f"{encoded(b'[' * 5000)}.a.b",
    "header large": f"{'a' * 9000}.a.b",
    "payload large": f"{encoded(b'{}')}.{'a' * 200_000}.b",
    "signature large": f"{encoded(b'{}')}.a.{'b' * 3000}",
}


@pytest.mark.sec("OIDCX-29")
@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_token_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn, name: str) -> None:
    """Garbage, an encrypted token and anything too large is refused before it is decoded."""
    op.forge = lambda _header, _claims: GARBAGE[name]

    assert refused_by("format", log_in(make()), op)


@pytest.mark.sec("OIDCX-28", "OIDCX-29")
@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"x", b"{", b"[" * 50_000, b'{"exp": NaN}', b"\xff"],
    ids=["empty", "list", "text", "half", "nested", "nan", "bytes"],
)
def test_a_signed_payload_that_is_no_object_is_refused(
    op: HostileOidcProvider, make: Make, log_in: LogIn, payload: bytes
) -> None:
    """A good signature over what is no JSON object proves nothing, and deep nesting breaks nothing."""
    op.forge = lambda header, _: signed(header, payload, op.keys[0].private)

    assert refused_by("payload", log_in(make()), op)


def test_a_header_member_of_a_wrong_type_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A header that joserfc can't read is a refusal, not an error."""
    op.header = {"jku": 1}

    assert refused_by("signature", log_in(make()), op)


# --- the parts ---


def test_the_table_of_rules_is_complete() -> None:
    """Each rule is there once: an empty table would let everything pass."""
    every = "acr amr at_hash aud auth_time azp c_hash events exp iat iss nbf nonce sid sub tenant"
    assert " ".join(sorted(name for name, _ in CLAIM_RULES)) == every
