"""The parts of opening a signed token; whole tokens are in test_id_token_signature.py."""

from __future__ import annotations

import pytest
from joserfc.errors import UnsupportedAlgorithmError

from onegov_auth_oidc.jws import PinnedRegistry, is_subject, is_time, same


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, True), (1.5, True), (253402300799, True), (253402300800, False), (True, False), ("1", False)],
)
def test_is_time(value: object, expected: bool) -> None:
    """A time is a number that a calendar has."""
    assert is_time(value) is expected


@pytest.mark.parametrize(("value", "expected"), [("a", True), ("ä b", True), ("\t", False), (b"a", False)])
def test_is_subject(value: object, expected: bool) -> None:
    """A subject is printable text."""
    assert is_subject(value) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("ä", "ä", True), ("a", "b", False), ("\ud800", "a", False), (None, "", False)]
)
def test_same(one: object, other: str, expected: bool) -> None:
    """Any text can be compared, and nothing else is the same as a text."""
    assert same(one, other) is expected


@pytest.mark.sec("AUTHLIB-04", "ASVS-9.1.2")
@pytest.mark.parametrize("allowed", [[], ["ES256"]], ids=["none", "another"])
def test_the_registry_knows_the_pinned_algorithm_only(allowed: list[str]) -> None:
    """Behind the header's check stands a second one: an empty list allows nothing."""
    with pytest.raises(UnsupportedAlgorithmError):
        PinnedRegistry(algorithms=allowed).get_alg("RS256")
