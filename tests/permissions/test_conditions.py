from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.permissions.classes import Combination, Condition, Permission, Personal, Secret
from onegov_auth.permissions.conditions import has_all, has_any, has_permissions, permission_class, tokens_in


class Read(Permission):
    """For the tests below."""

    token = "read"


class Person:
    """Somebody with tokens, who counts how often they are asked for."""

    def __init__(self, *tokens: str, name: str = "ann") -> None:
        self.tokens = frozenset(tokens)
        self.name = name
        self.asked = 0

    def get_all_permission_tokens(self) -> frozenset[str]:
        """As of a user."""
        self.asked += 1
        return self.tokens


def is_ann(user: Person) -> bool:
    """A question to the user."""
    return user.name == "ann"


CONDITIONS: dict[str, tuple[Any, set[str], bool]] = {
    "no condition": (None, set(), True),
    "a token that is had": ("read", {"read"}, True),
    "a token that isn't": ("read", {"write"}, False),
    "a class": (Read, {"read"}, True),
    "all of them": (has_all("read", "write"), {"read", "write"}, True),
    "all but one": (has_all("read", "write"), {"read"}, False),
    "any of them": (has_any("read", "write"), {"write"}, True),
    "none of them": (has_any("read", "write"), {"delete"}, False),
    "nested": (has_any("none", has_all(Read, has_any("x", "write"))), {"read", "write"}, True),
    "nested and missing": (has_all(Read, has_any("x", "write")), {"read"}, False),
    "a question": (is_ann, set(), True),
    "a question and a token": (has_all(is_ann, "read"), set(), False),
    "a question or a token": (has_any(lambda user: user.name == "bob", "read"), {"read"}, True),
    "a question that is denied": (has_all(lambda user: user.name == "bob", "read"), {"read"}, False),
}


@pytest.mark.parametrize(("condition", "tokens", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions(condition: Any, tokens: set[str], expected: bool) -> None:
    """Tokens, classes, questions and combinations of them at any depth are decided as they read."""
    assert has_permissions(condition, Person(*tokens)) is expected


@pytest.mark.parametrize("condition", ["read", has_any("read"), lambda _: True, has_all(lambda _: True)])
def test_nobody_meets_no_condition(condition: Any) -> None:
    """Who isn't logged in has nothing, and is asked nothing; without a condition there is nothing to meet."""
    assert not has_permissions(condition, None)
    assert has_permissions(None, None)


def test_tokens_are_looked_up_once_and_only_if_asked_for() -> None:
    """A condition with many tokens costs one look, one without tokens none."""
    person = Person("write")

    has_permissions(has_any("read", has_all("delete", "x"), "write"), person)
    assert person.asked == 1
    has_permissions(is_ann, person)
    assert person.asked == 1


@pytest.mark.parametrize("make", [has_all, has_any])
def test_combination_of_nothing_is_refused(make: Callable[..., object]) -> None:
    """All of no permissions would be a page for everybody."""
    with pytest.raises(ValueError, match="at least one"):
        make()


@pytest.mark.parametrize("part", ["", "  "])
def test_empty_token_is_refused(part: str) -> None:
    """A token that nobody can have is a mistake."""
    with pytest.raises(ValueError, match="empty"):
        has_any("read", part)
    with pytest.raises(ValueError, match="empty"):
        has_permissions(part, Person())


@pytest.mark.parametrize("part", [None, 5, str, object])
def test_what_is_no_permission_is_refused(part: Any) -> None:
    """A class of another kind is no question to the user, although it can be called."""
    with pytest.raises(TypeError, match="no permission"):
        has_all("read", part)


def test_intents_are_decided_by_an_application() -> None:
    """Which role has an intent is said in the settings, which a user knows nothing of: nobody is let in by a guess."""
    with pytest.raises(TypeError, match=r"request\.has_permission"):
        has_permissions(has_all(Personal, "read"), Person("read"))


def test_classes_are_made_once() -> None:
    """The same parts give the same class, by which Morepath finds rules and views."""
    assert has_all("read", is_ann, Secret) is has_all("read", is_ann, Secret)
    assert has_all("read", Secret) is not has_any("read", Secret)
    assert permission_class("read") is permission_class("read")
    assert issubclass(permission_class(is_ann), Condition)
    assert issubclass(has_any("read", has_all(Read, Secret)), Combination)
    assert has_any("read", is_ann, Secret).__name__ == "has_any(read, is_ann, Secret)"


def test_tokens_of_a_condition_are_found() -> None:
    """At any depth, for the catalogue; questions and intents have none."""
    condition = has_any("read", has_all(Read, is_ann, Secret, has_any("deep")))

    assert [class_.token for class_ in tokens_in(condition)] == ["read", "read", "deep"]
    assert not list(tokens_in(is_ann))
