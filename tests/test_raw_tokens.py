from __future__ import annotations

import zlib
from collections.abc import Sequence

import pytest

from onegov_auth.raw_tokens import CHARSETS, hash_of, new_token, presented, random_text, with_username


def first(characters: Sequence[str]) -> str:
    return characters[0]


@pytest.mark.sec("TOK-01")
def test_form_of_a_token() -> None:
    """A prefix, 55 random characters of which 43 are secret (256 bits), and a checksum anybody can compute."""
    token = new_token("oga")
    prefix, _, rest = token.partition("_")

    assert prefix == "oga"
    assert len(rest) == 61
    assert rest.isalnum()
    assert new_token("oga") != token
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for digit in token[-6:]:
        number = number * 62 + digits.index(digit)
    assert number == zlib.crc32(token[:-6].encode())


def test_found_by_its_public_part() -> None:
    """What names the token is no part of its secret."""
    token = new_token("oga")
    known = presented(token)

    assert known is not None
    assert known.key == token[4:16]
    assert token not in repr(known)


@pytest.mark.sec("TOK-07")
@pytest.mark.parametrize(
    "text", ["", "x", "oga_" + "a" * 61, "a b" * 10, "ä" * 40, "a" * 40 + "\n", "a" * 100_000, "..", "!.x"]
)
def test_what_is_no_token(text: str) -> None:
    """Malformed, too long or with another checksum: found by nothing."""
    assert presented(text) is None


@pytest.mark.sec("TOK-01")
def test_one_wrong_character_is_noticed() -> None:
    """The checksum finds a slip of the pen without asking anybody."""
    token = new_token("oga", first)
    assert all(presented(token[:place] + "z" + token[place + 1 :]) is None for place in range(4, len(token)))


def test_a_token_with_a_name() -> None:
    """A token that says whose it is, is found like the one without, and is nobody else's."""
    token = "a" * 32
    known = presented(with_username("Ann@Example.org", token))

    assert known is not None
    assert known.text == token
    assert known.key == getattr(presented(token), "key", None)
    assert known.may_be_of("ann@example.org")
    assert not known.may_be_of("eve@example.org")
    assert presented(f"=.{token}") is None
    assert presented("/w." + token) is None


@pytest.mark.sec("ASVS-8.4.1")
def test_hashes_of_two_applications_differ() -> None:
    """A token of one application is none of another that shares its table."""
    known = presented("a" * 32)
    assert known is not None
    assert hash_of("town/app", known) != hash_of("other/app", known)


def test_charsets() -> None:
    """The second seed's sets of characters; ``ascii_50`` has none that look alike."""
    assert {name: len(characters) for name, characters in CHARSETS.items()} == {
        "ascii_72": 72,
        "ascii_62": 62,
        "ascii_50": 50,
        "hex": 16,
    }
    assert not set(CHARSETS["ascii_50"]) & set("1IiLl0Oo5S8B")


def test_random_text() -> None:
    """As long as was asked for, or as the entropy needs."""
    assert len(random_text()) == 32
    assert len(random_text(40)) == 40
    assert len(random_text(1, 256, "hex")) == 64
    assert random_text(32, choice=first) == "a" * 32


@pytest.mark.sec("TOK-01")
@pytest.mark.parametrize(("length", "charset"), [(22, "ascii_50"), (31, "hex"), (32, "emoji")])
def test_what_could_be_guessed_is_not_made(length: int, charset: str) -> None:
    """Less than 128 bits, or characters nobody knows."""
    with pytest.raises(ValueError, match=charset):
        random_text(length, charset=charset)
