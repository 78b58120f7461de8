"""Which published key may have signed, and when keys are fetched again."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc.jwk import ECKey

from onegov_auth.providers import Refused, Unavailable, VerifiedIdentity
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider, Reply, make_pair, signed
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.keys import ALGORITHMS, MAX_KEYS, MAX_SETS, KeyStore, read_keys

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]


def code_of(outcome: object) -> str:
    assert isinstance(outcome, Refused | Unavailable), outcome
    return outcome.code


@pytest.mark.sec("OIDC-07")
def test_without_a_key_id_the_only_key_is_used(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """One published RSA key among others that can't be meant is enough."""
    op.keys = [make_pair(None), make_pair(None, "EC"), make_pair(None, number=1, use="enc")]

    assert isinstance(log_in(make()), VerifiedIdentity)


@pytest.mark.sec("OIDC-08")
def test_without_a_key_id_several_keys_are_refused(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """Several keys that could be meant are not tried one after the other."""
    op.keys = [make_pair(None), make_pair(None, number=1), make_pair(None, "EC"), make_pair(None, "OKP")]

    assert code_of(log_in(make())) == "invalid_id_token_ambiguous_key"


def test_two_keys_of_the_same_id_are_refused(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A key id that means two keys of the same kind means none."""
    op.keys = [make_pair("one"), make_pair("one", number=1)]

    assert code_of(log_in(make())) == "invalid_id_token_ambiguous_key"


def test_the_same_id_may_name_keys_of_other_kinds(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """Of equivalent keys under one id the one of the pinned algorithm is meant (RFC 7517 §4.5)."""
    op.keys = [make_pair("one"), make_pair("one", "EC")]

    assert isinstance(log_in(make()), VerifiedIdentity)


@pytest.mark.sec("OIDCX-19")
@pytest.mark.parametrize(
    "published", [{"use": "enc"}, {"alg": "RS512"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}], ids=repr
)
def test_a_key_for_something_else_checks_nothing(
    op: HostileOidcProvider, make: Make, log_in: LogIn, published: dict[str, Any]
) -> None:
    """An encryption key, or one for another algorithm, is no key for ID tokens."""
    op.keys = [make_pair("one", **published)]

    assert code_of(log_in(make())) == "invalid_id_token_unknown_key"


@pytest.mark.sec("OIDCX-19")
def test_a_key_of_another_kind_checks_nothing(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """An RSA key can't check ES256, though its id is the right one."""
    op.keys = [make_pair("one", "EC")]
    right = op.keys[0].private
    op.keys = [make_pair("one")]
    op.alg = "ES256"
    op.forge = lambda header, claims: signed(header, json.dumps(claims).encode(), right)

    assert code_of(log_in(make(id_token_alg="ES256"))) == "invalid_id_token_unknown_key"


@pytest.mark.sec("OIDCX-19")
@pytest.mark.parametrize("kty", ["EC", "oct", "rsa", None, ["RSA"]], ids=repr)
def test_a_key_is_of_the_kind_it_says(kty: object) -> None:
    """What calls itself another kind is no RSA key, though it has all of one's members."""
    assert read_keys({"keys": [{**make_pair("one").published, "kty": kty}]}, ALGORITHMS["RS256"]) == ()


@pytest.mark.sec("OIDCX-18")
def test_a_key_without_an_id_is_not_the_named_one(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A token that names its key is checked with no other, even if that one has no name."""
    op.keys = [make_pair(None)]
    op.header = {"kid": "one"}

    assert code_of(log_in(make())) == "invalid_id_token_unknown_key"


@pytest.mark.sec("OIDC-30", "OIDC-32")
def test_keys_changed_between_two_logins(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """An unknown key id makes the keys be fetched again, from where the metadata says."""
    provider = make()
    assert isinstance(log_in(provider), VerifiedIdentity)
    op.keys = [make_pair("two", number=1)]

    assert isinstance(log_in(provider), VerifiedIdentity)
    assert op.paths().count("/jwks") == 2


@pytest.mark.sec("OIDC-33")
def test_keys_changed_just_before_signing(op: HostileOidcProvider, make: Make, log_in: LogIn, clock: FakeClock) -> None:
    """Keys that change while the code is exchanged are found."""
    provider = make()
    log_in(provider)
    op.before_signing = lambda: op.keys.__setitem__(slice(None), [make_pair("two", number=1)])

    assert isinstance(log_in(provider), VerifiedIdentity)


@pytest.mark.sec("AUTHLIB-05")
def test_a_new_key_without_an_id_is_found(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """Without an id only the signature tells that the key is another one by now."""
    op.keys = [make_pair(None)]
    provider = make()
    assert isinstance(log_in(provider), VerifiedIdentity)
    op.keys = [make_pair(None, number=1)]

    assert isinstance(log_in(provider), VerifiedIdentity)


@pytest.mark.sec("OIDCX-36", "AUTHLIB-05")
def test_unknown_key_ids_do_not_hammer_the_issuer(
    op: HostileOidcProvider, make: Make, log_in: LogIn, clock: FakeClock
) -> None:
    """However many tokens name unknown keys, the keys are fetched again once a minute at most."""
    provider = make()
    log_in(provider)
    op.header = {"kid": "invented"}
    for _ in range(20):
        assert code_of(log_in(provider)) == "invalid_id_token_unknown_key"
    assert op.paths().count("/jwks") == 2

    clock.advance(60)
    log_in(provider)

    assert op.paths().count("/jwks") == 3


def test_many_logins_after_a_rotation_share_one_fetch(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """Everybody who comes while the new keys are being fetched waits for them, and gets in."""
    provider = make()
    log_in(provider)
    op.keys = [make_pair("two", number=1)]
    op.replies["/jwks"] = Reply(200, [json.dumps({"keys": [op.keys[0].published]}).encode()], delay=0.3)
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda _: log_in(provider), range(10)))

    assert all(isinstance(outcome, VerifiedIdentity) for outcome in outcomes)
    assert op.paths().count("/jwks") == 2


def test_keys_are_kept_for_an_hour(op: HostileOidcProvider, make: Make, log_in: LogIn, clock: FakeClock) -> None:
    """A second login asks for no keys; after an hour they are asked for again."""
    provider = make()
    log_in(provider)
    log_in(provider)
    assert op.paths().count("/jwks") == 1

    clock.advance(3600)
    log_in(provider)

    assert op.paths().count("/jwks") == 2


def test_old_keys_serve_while_the_key_server_is_down(
    op: HostileOidcProvider, make: Make, log_in: LogIn, clock: FakeClock
) -> None:
    """For a day signatures are checked without the key server, which is asked once a minute; then no more."""
    provider = make()
    log_in(provider)
    op.replies["/jwks"] = Reply(500)
    clock.advance(3600)
    assert [type(log_in(provider)) for _ in range(3)] == [VerifiedIdentity] * 3
    assert op.paths().count("/jwks") == 2

    clock.advance(24 * 3600)

    assert code_of(log_in(provider)) == "http_status"


@pytest.mark.sec("OIDCX-35")
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(500), "http_status"),
        (Reply(307, headers={"Location": "http://127.0.0.1:1/jwks"}), "http_status"),
        (Reply(200, [b"<html>"]), "garbage"),
        (Reply(200, [b"[]"]), "garbage"),
    ],
    ids=["500", "redirect", "html", "list"],
)
def test_a_key_server_that_is_ill_lets_nobody_in(
    op: HostileOidcProvider, make: Make, log_in: LogIn, reply: Reply, code: str
) -> None:
    """Without keys nobody gets in, errors are not kept, and a redirect is not followed."""
    provider = make()
    op.replies["/jwks"] = reply
    assert code_of(log_in(provider)) == code

    del op.replies["/jwks"]

    assert isinstance(log_in(provider), VerifiedIdentity)


BROKEN = [
    {},
    {"kty": "RSA"},
    {"kty": "RSA", "n": 1, "e": "AQAB"},
    {"kty": "RSA", "n": "!", "e": "AQAB"},
    {"kty": "RSA", "n": "ü", "e": "AQAB"},
    {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    {"kty": "RSA", "n": "_" * 342, "e": "!"},
    {"kty": "RSA", "n": "_" * 3000, "e": "AQAB"},
    {"kty": "RSA", "kid": 1},
    {"kty": ["RSA"]},
    "RSA",
    None,
]


@pytest.mark.parametrize("entry", BROKEN, ids=lambda entry: repr(entry)[:40])
def test_a_key_that_cannot_be_read_is_none(entry: object) -> None:
    """A broken, short or huge key is left out, and the good one beside it stays."""
    good = make_pair("good").published
    found = read_keys({"keys": [entry, good]}, ALGORITHMS["RS256"])

    assert [key.kid for key in found] == ["good"]


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_a_set_without_keys_is_empty(document: dict[str, object]) -> None:
    """What is no list of keys holds none."""
    assert read_keys(document, ALGORITHMS["RS256"]) == ()


def test_a_curve_is_the_algorithms_own() -> None:
    """ES256 takes P-256 and no other curve, and a point that is not on it is no key."""
    other = {**ECKey.generate_key("P-384").as_dict(private=False), "kid": "other"}
    right = make_pair("right", "EC").published
    off = {**right, "kid": "off", "y": right["x"]}

    assert [key.kid for key in read_keys({"keys": [other, off, right]}, ALGORITHMS["ES256"])] == ["right"]


def test_a_private_member_is_not_taken() -> None:
    """A key that was published whole by mistake is used for checking only."""
    pair = make_pair("one")
    found = read_keys({"keys": [pair.private.as_dict(private=True)]}, ALGORITHMS["RS256"])

    assert not found[0].key.is_private


def test_no_more_keys_are_read_than_anybody_has() -> None:
    """A set of ten thousand keys costs no more than one of a hundred."""
    keys = [{**make_pair("one").published, "kid": str(number)} for number in range(MAX_KEYS + 5)]

    assert len(read_keys({"keys": keys}, ALGORITHMS["RS256"])) == MAX_KEYS


def test_the_store_does_not_grow(op: HostileOidcProvider, make: Make, log_in: LogIn, clock: FakeClock) -> None:
    """A key set at ever new addresses is kept for a few of them only."""
    provider = make()
    store = KeyStore(provider._server.http, ALGORITHMS["RS256"], clock)
    for number in range(MAX_SETS * 3):
        store.candidates(f"{op.issuer}/jwks?{number}", "one")

    assert len(store._sets) <= MAX_SETS
