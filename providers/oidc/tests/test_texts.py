from __future__ import annotations

import pytest

from onegov_auth_oidc.texts import clean, look_up


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", 1),
        ("b.c.d", 2),
        ("https://example.org/x", 3),
        ("e.f", 4),
        ("b.x", None),
        ("a.b", None),
        ("null", None),
        ("", None),
        ("b..c", None),
    ],
)
def test_a_dot_leads_into_an_object(path: str, expected: object) -> None:
    """A path goes through objects, and a claim whose own name has dots goes first."""
    claims = {"a": 1, "b": {"c": {"d": 2}}, "https://example.org/x": 3, "e.f": 4, "e": {"f": 5}, "null": None}

    assert look_up(claims, path) == expected


@pytest.mark.parametrize(
    ("groups", "expected"),
    [([{"name": "a"}, {"name": "b"}, {}], ["a", "b"]), ([], []), ([{}, 1], None), (["name"], None)],
    ids=["objects", "empty", "without", "texts"],
)
def test_a_dot_leads_into_a_list_of_objects(groups: object, expected: object) -> None:
    """Names in a list of objects are found, and a list that has none of them says nothing."""
    assert look_up({"groups": groups}, "groups.name") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(" a b ", "a b"), ("", None), (" ", None), (1, None), ("a\x00", None), ("\ud800", None), ("x" * 1001, None)],
    ids=ascii,
)
def test_clean(value: object, expected: str | None) -> None:
    """Text is text that can be stored and shown, without blanks around it."""
    assert clean(value) == expected
