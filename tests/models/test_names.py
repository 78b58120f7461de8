"""Tests of comparing usernames."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onegov_auth.models.names import MAX_USERNAME, canonical_username


def folded(text: str) -> str | None:
    """The canonical name, or nothing if there is none."""
    try:
        return canonical_username(text)
    except ValueError:
        return None


@pytest.mark.sec("UNI-01", "UNI-02")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße", "STRASSE"),
        ("ſam", "sam"),
        ("\u212aate", "kate"),
        ("İ", "i̇"),
        ("ﬁn", "fin"),
        ("ａｎｎ", "ann"),
        ("ᴮᴵᴳᴮᴵᴿᴰ", "bigbird"),
        ("e\u0301", "é"),
        ("\u1fb3\u0345", "\u03b1\u03b9\u03b9"),
    ],
)
def test_names_that_fold_together_are_one(one: str, other: str) -> None:
    """Two spellings that Unicode takes for the same name have one canonical name."""
    assert canonical_username(one) == canonical_username(other)


@pytest.mark.sec("UNI-01")
def test_a_dotless_i_is_another_letter() -> None:
    """``mıke`` is not ``mike``: the wrong mailbox must not be found."""
    assert canonical_username("mıke@example.org") != canonical_username("mike@example.org")


@pytest.mark.sec("UNI-05")
@pytest.mark.parametrize(
    "invisible",
    ["\u200d", "\u200c", "\u202e", "\u00ad", "\ufeff", "\ufe0f", "\U000e0100", "\u034f", "\u3164", " ", "\u00a0"],
    ids=lambda character: f"U+{ord(character):04X}",
)
def test_what_nobody_sees_makes_no_other_name(invisible: str) -> None:
    """Invisible characters, and space around a name, are not part of it."""
    assert canonical_username(f"ann{invisible}") == "ann"
    assert canonical_username(f"{invisible}ann") == "ann"


@pytest.mark.sec("UNI-03")
def test_every_character_folds_to_a_fixed_point() -> None:
    """Folding again changes nothing, for every character of Unicode, alone and between letters."""
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        if unicodedata.category(character) in {"Cn", "Co"}:
            continue
        for text in (character, f"a{character}b"):
            once = folded(text)
            assert once is None or folded(once) == once


@pytest.mark.sec("UNI-03")
@given(st.text(max_size=40))
def test_any_text_folds_to_a_fixed_point(text: str) -> None:
    """Folding again changes nothing, for any combination of characters."""
    once = folded(text)
    assert once is None or folded(once) == once


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\u200d", "a\0b", "a\nb", "\x7f", "a\x85b", "\ud800", "a" * (MAX_USERNAME + 1), "\ufdfa" * 60],
    ids=["empty", "spaces", "invisible", "nul", "newline", "del", "c1", "surrogate", "long", "expanding"],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    """Emptiness, control characters, lone surrogates and excessive length are refused."""
    with pytest.raises(ValueError, match="a username"):
        canonical_username(text)


@pytest.mark.sec("UNI-10")
def test_length_is_checked_before_anything_is_normalised() -> None:
    """A name of ten million characters is refused at once; normalising it takes seconds."""
    name = "\ufdfa" * 10_000_000
    began = time.thread_time()
    assert folded(name) is None
    assert time.thread_time() - began < 1


def test_the_longest_name_is_accepted() -> None:
    """The limit itself is allowed."""
    assert len(canonical_username("a" * MAX_USERNAME)) == MAX_USERNAME
